#include "node/edge/fanout.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {
namespace {

/// Connections are spread over the heap, and the sends of the turn before have pushed the connections out of the
/// caches. So a connection is fetched this many connections before its turn.
constexpr std::size_t kFetchAhead = 4;

}  // namespace

void Fanout::reserve(Slot slot) {
    if (connections_.size() <= slot.value) {
        connections_.resize(slot.value + 1u);
    }
}

void Fanout::add(StreamConnection& connection) {
    reserve(connection.slot());
    StreamConnection*& place = connections_[connection.slot().value];
    TULLE_ASSERT(place == nullptr);
    place = &connection;
    recoded_ += connection.is_recoded() ? 1u : 0u;
}

void Fanout::remove(Slot slot) {
    if (slot.value < connections_.size() && connections_[slot.value] != nullptr) {
        TULLE_ASSERT(recoded_ > 0 || !connections_[slot.value]->is_recoded());
        recoded_ -= connections_[slot.value]->is_recoded() ? 1u : 0u;
        connections_[slot.value] = nullptr;
    }
}

void Fanout::send(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
                  std::optional<Slot> excluded) {
    // Usually no connection wants another form, and the loop below spends nothing on recoding.
    if (recoded_ > 0 && recoder_ != nullptr) {
        send_recoded(subscribers, frames, count, excluded);
        return;
    }
    StreamConnection* const* const connections = connections_.data();
    const Slot* const end = subscribers.data() + subscribers.size();
    // `ahead` runs kFetchAhead subscribers before `slot`.
    const Slot* ahead = subscribers.data() + std::min(subscribers.size(), kFetchAhead);
    for (const Slot* slot = subscribers.data(); slot != end; ++slot) {
        if (ahead != end) {
            connections[(ahead++)->value]->fetch();
        }
        if (*slot != excluded) {
            connections[slot->value]->send(frames, count);
        }
    }
}

void Fanout::send_recoded(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
                          std::optional<Slot> excluded) {
    std::optional<SlabRange> recoded;
    for (const Slot slot : subscribers) {
        if (slot == excluded) {
            continue;
        }
        StreamConnection& connection = *connections_[slot.value];
        if (!connection.is_recoded()) {
            connection.send(frames, count);
            continue;
        }
        // Recoded at the first connection that wants the form, and then shared.
        if (!recoded) {
            recoded = recoder_->recode(frames, reactor_.arena());
        }
        connection.send(*recoded, count);
    }
}

void Fanout::begin_run(std::string_view channel, std::span<const Slot> subscribers, std::optional<Slot> excluded) {
    end_run();
    TULLE_ASSERT(run_.messages == 0);
    run_.subscribers = subscribers;
    run_.channel = channel;
    run_.excluded = excluded;
}

void Fanout::add_to_run(const SlabRange& frame) {
    if (run_.messages > 0 && !run_.frames.join(frame, kMaxRunBytes)) {
        // The run is full: another run for the same subscribers begins. The channel and the excluded slot stay.
        const std::span<const Slot> subscribers = run_.subscribers;
        end_run();
        run_.subscribers = subscribers;
    }
    if (run_.messages == 0) {
        run_.frames = frame;
    }
    ++run_.messages;
}

void Fanout::end_run() {
    if (run_.messages > 0) {
        send(run_.subscribers, run_.frames, std::exchange(run_.messages, 0), run_.excluded);
        run_.frames = SlabRange{};
        // Nobody misses a frame of this run any more (fail_run), and from here on the subscribers may change.
        run_.subscribers = {};
    }
}

void Fanout::fail_run(const std::exception& error) noexcept {
    fail(std::exchange(run_.subscribers, {}), error);
    run_.messages = 0;
    run_.frames = SlabRange{};
}

void Fanout::fail(std::span<const Slot> subscribers, const std::exception& error) noexcept {
    for (const Slot slot : subscribers) {
        TULLE_ASSERT(slot.value < connections_.size() && connections_[slot.value] != nullptr);
        reactor_.fail(*connections_[slot.value], error);
    }
}

void Fanout::fail_all(const std::exception& error) noexcept {
    run_ = Run{};
    for (StreamConnection* connection : connections_) {
        if (connection != nullptr) {
            reactor_.fail(*connection, error);
        }
    }
}

std::vector<std::pair<std::size_t, StreamConnection*>> Fanout::by_memory() const {
    std::vector<std::pair<std::size_t, StreamConnection*>> large;
    for (StreamConnection* connection : connections_) {
        const std::size_t memory = connection != nullptr ? connection->memory() : 0;
        if (memory >= kMinShedBytes) {
            large.emplace_back(memory, connection);
        }
    }
    // The largest first, so that few clients suffer. Equal ones by slot, for a certain order.
    std::sort(large.begin(), large.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second->slot().value < b.second->slot().value;
    });
    return large;
}

void Fanout::shed(std::uint64_t bytes) {
    std::uint64_t freed = 0;
    const auto shed_one = [&](std::size_t memory, StreamConnection& connection) {
        // A connection may hold more than was asked for, so the last closed connection may free more than needed.
        if (freed < bytes) {
            freed += memory;
            // A connection that fails in shed() ends at once, and its memory is freed too.
            reactor_.guard(connection, [&] { connection.shed(); });
        }
    };
    std::vector<std::pair<std::size_t, StreamConnection*>> large;
    try {
        large = by_memory();
    } catch (const std::exception& error) {
        // No memory even for the ordered list: any connections are closed.
        reactor_.count_failure(error);
        for (std::size_t i = 0; i < connections_.size() && freed < bytes; ++i) {
            StreamConnection* connection = connections_[i];
            const std::size_t memory = connection != nullptr ? connection->memory() : 0;
            if (memory >= kMinShedBytes) {
                shed_one(memory, *connection);
            }
        }
    }
    for (const auto& [memory, connection] : large) {
        shed_one(memory, *connection);
    }
}

}  // namespace tulle::node
