#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "mesh/base/prng.hpp"
#include "node/core/span.hpp"

namespace tulle::node {

/// The spans of all shards on their way to the exporter.
///
/// Thread: any.
/// Limits: kMost spans wait; a further span is dropped and counted.
/// Errors: the constructor and take() may throw std::bad_alloc; the other functions throw nothing.
class SpanQueue {
public:
    static constexpr std::size_t kMost = 4096;

    /// `seed`: random, so that two nodes draw other ids.
    explicit SpanQueue(std::uint64_t seed) : prng_(seed) { spans_.reserve(kMost); }

    /// A place below `parent` in its trace, with a new id other than zero.
    [[nodiscard]] TraceContext child_of(const TraceContext& parent) {
        const std::lock_guard lock(mutex_);
        TraceContext child = parent;
        std::uint64_t id = 0;
        while (id == 0) {
            id = prng_.next();
        }
        for (std::uint8_t& byte : child.span) {
            byte = static_cast<std::uint8_t>(id & 0xffU);
            id >>= 8U;
        }
        return child;
    }

    void add(Span span) noexcept {
        const std::lock_guard lock(mutex_);
        if (spans_.size() < kMost) {
            // The room is there already, so nothing can throw.
            spans_.push_back(std::move(span));
        } else {
            ++dropped_;
        }
    }

    /// Puts all spans that wait into `out`, and returns the number of those dropped since the last call.
    [[nodiscard]] std::size_t take(std::vector<Span>& out) {
        out.clear();
        out.reserve(kMost);
        const std::lock_guard lock(mutex_);
        spans_.swap(out);
        return std::exchange(dropped_, 0);
    }

private:
    std::mutex mutex_;
    Prng prng_;
    /// With room for kMost.
    std::vector<Span> spans_;
    std::size_t dropped_ = 0;
};

}  // namespace tulle::node
