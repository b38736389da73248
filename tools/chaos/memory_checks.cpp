#include <algorithm>
#include <optional>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"
#include "tools/chaos/checker.hpp"

namespace tulle::chaos {
namespace {

/// For all memory beside the rings and the credit.
constexpr std::uint64_t kMemorySlack = std::uint64_t{32} << 20;

/// The greatest growth of a node within [begin, end], against the last sample at or before `begin`. Nothing without a
/// sample on both sides of `begin`.
std::optional<std::uint64_t> growth(const std::vector<MemorySample>& samples, Instant begin, Instant end) {
    const MemorySample* before = nullptr;
    std::optional<std::uint64_t> most;
    for (const MemorySample& sample : samples) {
        if (sample.at <= begin) {
            before = &sample;
        } else if (sample.at <= end && before != nullptr) {
            most = std::max(most.value_or(0), sample.bytes > before->bytes ? sample.bytes - before->bytes : 0);
        }
    }
    return most;
}

}  // namespace

// The limits are those of the product's own code, so a changed limit changes the allowance as well.
std::uint64_t memory_allowed(std::uint32_t nodes) {
    constexpr mesh::Limits kLimits;
    TULLE_ASSERT(nodes > 0);
    const std::uint64_t peers = nodes - 1;
    return kLimits.ring_bytes + peers * (kLimits.credit_bytes + kLimits.receive_ring_bytes) + kMemorySlack;
}

void check_memory(const Timeline& timeline, Report& report) {
    Verdict& verdict = verdict_of(report, "P7");
    report.memory_allowed = memory_allowed(timeline.nodes);
    for (const auto& [node, samples] : timeline.memory) {
        for (const MemorySample& sample : samples) {
            report.memory_peak = std::max(report.memory_peak, sample.bytes);
        }
    }
    for (const Stop& stop : timeline.stops) {
        for (const Process& process : timeline.processes) {
            const auto samples = timeline.memory.find(process.node);
            // Only processes that lived through the whole freeze are judged: a new process grows in any case.
            if (process.node == stop.node || process.start >= stop.begin || process.end <= stop.end ||
                samples == timeline.memory.end() || stop.end == kNever) {
                continue;
            }
            const std::optional<std::uint64_t> grown = growth(samples->second, stop.begin, stop.end);
            if (!grown) {
                continue;
            }
            ++verdict.checked;
            report.memory_growth = std::max(report.memory_growth, *grown);
            if (*grown > report.memory_allowed) {
                verdict.violate("n" + std::to_string(process.node) + " grew by " + std::to_string(*grown >> 20) +
                                " MiB while n" + std::to_string(stop.node) + " was frozen from " + at_text(stop.begin) +
                                " on, " + std::to_string(report.memory_allowed >> 20) + " MiB are allowed");
            }
        }
    }
}

}  // namespace tulle::chaos
