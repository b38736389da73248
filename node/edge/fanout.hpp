#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/core/slab.hpp"
#include "node/core/slot.hpp"
#include "node/edge/reactor.hpp"
#include "node/edge/stream_connection.hpp"

namespace tulle::node {

/// Gives frames another form, for example a compressed form, for the connections that want such a form
/// (StreamConnection::is_recoded).
class Recoder {
public:
    Recoder() = default;
    Recoder(const Recoder&) = delete;
    Recoder& operator=(const Recoder&) = delete;
    virtual ~Recoder() = default;

    /// Returns `frames` in the other form, encoded into `arena`. Called once for each send with a connection that wants
    /// the form, whatever the number of such connections.
    [[nodiscard]] virtual SlabRange recode(const SlabRange& frames, SlabArena& arena) = 0;
};

/// The open connections of an edge on a shard, by slot, and the way of a frame to thousands of connections.
///
/// Frames for the same subscribers that follow each other are a run. The frames of a run are queued together, so that a
/// burst costs each subscriber as much as a single message. The subscribers must not change during a run.
///
/// Thread: the shard's.
/// Limits: a run has at most kMaxRunBytes; further frames begin another run.
/// Errors: send and the methods for runs pass on exceptions of the recoder and of memory. The caller then calls fail or
///         fail_run.
class Fanout {
public:
    /// `recoder` is null when no connection wants another form. Reactor and recoder must outlive the fan-out.
    explicit Fanout(Reactor& reactor, Recoder* recoder = nullptr) : reactor_(reactor), recoder_(recoder) {}

    /// Makes room for the slot, so that add() of a connection with this slot throws nothing.
    void reserve(Slot slot);
    /// Adds an open connection. REQUIRES: the connection has its slot, and is removed before leaving the reactor.
    void add(StreamConnection& connection);
    /// Removes the connection of the slot. Does nothing for a slot without a connection.
    void remove(Slot slot);

    /// Queues `frames`, which hold `count` frames, for each subscriber but `excluded`. REQUIRES: every subscriber has
    /// been added.
    void send(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
              std::optional<Slot> excluded = std::nullopt);

    /// True when a frame for `channel` may be added to the present run. False: the caller calls end_run, then
    /// begin_run.
    [[nodiscard]] bool is_running(std::string_view channel, std::optional<Slot> excluded) const {
        return run_.messages > 0 && run_.channel == channel && run_.excluded == excluded;
    }
    /// Ends the present run and begins another. `subscribers` must stay valid until end_run.
    void begin_run(std::string_view channel, std::span<const Slot> subscribers, std::optional<Slot> excluded);
    /// False: the run has no subscribers, so no frame needs to be made.
    [[nodiscard]] bool has_audience() const { return !run_.subscribers.empty(); }
    /// Adds a frame to the run. A frame beyond kMaxRunBytes sends the run and begins another run for the same
    /// subscribers.
    void add_to_run(const SlabRange& frame);
    /// Queues the frames of the run for its subscribers.
    void end_run();

    /// Ends connections after an exception has left a message of the hub half delivered: the connections that may have
    /// missed a part of the message. The clients then connect again. fail_run ends the subscribers of a run that has
    /// not been sent whole.
    void fail_run(const std::exception& error) noexcept;
    void fail(std::span<const Slot> subscribers, const std::exception& error) noexcept;
    void fail_all(const std::exception& error) noexcept;

    /// Closes the connections that hold most memory, until the closed connections have held `bytes` together. A
    /// connection that holds less than kMinShedBytes stays. When there is no memory for an ordered list of the
    /// connections, any connections are closed. A connection whose shedding throws an exception ends at once.
    void shed(std::uint64_t bytes);

private:
    /// The frames that follow each other for the same subscribers.
    struct Run {
        std::string channel;
        std::optional<Slot> excluded;
        std::span<const Slot> subscribers;
        SlabRange frames;
        /// 0: no run, or a run without frames.
        std::size_t messages = 0;
    };

    /// As send, for connections that want different forms.
    void send_recoded(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
                      std::optional<Slot> excluded);
    /// The connections that hold at least kMinShedBytes, with the bytes that each holds; the largest first.
    [[nodiscard]] std::vector<std::pair<std::size_t, StreamConnection*>> by_memory() const;

    Reactor& reactor_;
    Recoder* const recoder_;
    /// By slot; null: no connection.
    std::vector<StreamConnection*> connections_;
    /// The number of connections that want frames in another form.
    std::size_t recoded_ = 0;
    Run run_;
};

}  // namespace tulle::node
