#include "tests/sim/checkers.hpp"

namespace tulle::sim {
namespace {

const std::string kCanary = "app/canary";
constexpr Duration kSubscribed = 1s;
constexpr Duration kArrived = 1s;
constexpr Duration kSilence = 1100ms;  // a tail a second on data, a heartbeat each quarter on control; and a moment

std::vector<HostId> everybody(World& world) {
    std::vector<HostId> hosts;
    for (HostId host = 0; host < world.hosts(); ++host) {
        if (const Process* process = world.process(host);
            process != nullptr && !process->left && !process->leaving_since) {
            hosts.push_back(host);
        }
    }
    return hosts;
}

void check_pair(World& world, HostId from, HostId to) {
    const Process& sender = *world.process(from);
    const Process& receiver = *world.process(to);
    const std::string pair = "P8 " + world.name_of(sender.oid) + " -> " + world.name_of(receiver.oid);
    for (const Accepted& message : world.accepted()) {
        if (message.channel != kCanary || message.origin != sender.oid) {
            continue;
        }
        const auto clients = receiver.edge.audience(kCanary);
        if (clients.empty() || !clients.front()->saw(message.origin, message.n)) {
            world.violation(pair + ": the canary did not arrive");
        }
    }
    for (const bool data : {false, true}) {
        const Duration silence = world.now() - world.network().last_arrival(from, to, data);
        if (from != to && silence > kSilence) {
            world.violation(pair + ": nothing on " + (data ? "data" : "control") + " for " +
                            std::to_string(silence / 1ms) + " ms");
        }
    }
}

}  // namespace

void check_canaries(World& world) {
    for (const HostId host : everybody(world)) {
        world.subscribe(host, mesh::ShardIndex{0}, kCanary);
    }
    world.run_for(kSubscribed);
    for (const HostId host : everybody(world)) {
        if (world.process(host)->edge.audience(kCanary).empty()) {
            world.violation("P8 " + world.name_of(world.process(host)->oid) + " can't subscribe");
        }
        world.publish(host, kCanary);
    }
    world.run_for(kArrived);
    for (const HostId from : everybody(world)) {
        for (const HostId to : everybody(world)) {
            check_pair(world, from, to);
        }
    }
}

}  // namespace tulle::sim
