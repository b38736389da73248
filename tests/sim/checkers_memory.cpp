#include <array>

#include "tests/sim/checkers.hpp"

namespace tulle::sim {
namespace {

/// No record of a simulated workload is larger.
constexpr std::size_t kOvershoot = 2048;
/// Entries of a node: all channels that a workload subscribes to on both shards, with markers.
constexpr std::size_t kMostInterest = 600;
/// Between two looks.
constexpr Duration kSample = 100ms;

}  // namespace

std::optional<std::string> over_bounds(const mesh::MeshNode::MemoryUse& use, const mesh::Limits& limits) {
    // A store with a limit in bytes.
    struct Store {
        const char* name;
        std::size_t bytes;
        std::size_t limit;
    };
    const std::array<Store, 4> stores{
        {{"the record ring", use.ring, limits.ring_bytes},
         {"unreceipted frames of a link", use.unreceipted, limits.credit_bytes + limits.frame_bytes},
         {"frames held beyond a hole", use.held, limits.hold_bytes},
         {"a receive ring", use.receive_ring, limits.receive_ring_bytes}}};
    for (const Store& store : stores) {
        if (store.bytes > store.limit + kOvershoot) {
            return std::string(store.name) + ": " + std::to_string(store.bytes) + " bytes, the limit is " +
                   std::to_string(store.limit);
        }
    }
    for (const std::size_t entries : {use.interest, use.interest_pending, use.waiting}) {
        if (entries > kMostInterest) {
            return "interest: " + std::to_string(use.interest) + " channels, " + std::to_string(use.interest_pending) +
                   " to be told of, " + std::to_string(use.waiting) + " subscriptions that wait";
        }
    }
    return std::nullopt;
}

void watch_memory(World& world, Instant until) {
    world.scheduler().after(kSample, [&world, until] {
        for (HostId host = 0; host < world.hosts(); ++host) {
            const Process* process = world.process(host);
            if (process == nullptr) {
                continue;
            }
            if (const auto over = over_bounds(process->node->memory_use(), world.limits())) {
                world.violation("P7 " + world.name_of(process->oid) + ": " + *over);
                return;
            }
        }
        if (world.now() < until) {
            watch_memory(world, until);
        }
    });
}

}  // namespace tulle::sim
