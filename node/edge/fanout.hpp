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

/// Gives frames another form for the connections that want it (StreamConnection::is_recoded), such as a compressed one.
class Recoder {
public:
    Recoder() = default;
    Recoder(const Recoder&) = delete;
    Recoder& operator=(const Recoder&) = delete;
    virtual ~Recoder() = default;

    [[nodiscard]] virtual SlabRange recode(const SlabRange& frames, SlabArena& arena) = 0;
};

/// The open connections of one edge on one shard, by slot, and how one frame gets to thousands of them.
///
/// Frames for the same subscribers that come one after the other are a run: they are queued together, so that a burst
/// costs each subscriber what one message does. No change of who is subscribed may fall into a run.
///
/// Thread: the shard's.
/// Limits: kMaxRunBytes in a run; what is more begins another.
class Fanout {
public:
    /// `recoder`: null when no connection wants another form. Both outlive this.
    explicit Fanout(Reactor& reactor, Recoder* recoder = nullptr) : reactor_(reactor), recoder_(recoder) {}

    /// So that add() of a connection with this slot throws nothing.
    void reserve(Slot slot);
    /// REQUIRES: the connection has its slot, and is removed before it leaves the reactor.
    void add(StreamConnection& connection);
    /// Does nothing for a slot that is not there.
    void remove(Slot slot);

    /// `count`: frames in `frames`. REQUIRES: every subscriber has been added.
    void send(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
              std::optional<Slot> excluded = std::nullopt);

    /// Whether a frame for `channel` may be added to the run. False: end_run, then begin_run.
    [[nodiscard]] bool is_running(std::string_view channel, std::optional<Slot> excluded) const {
        return run_.messages > 0 && run_.channel == channel && run_.excluded == excluded;
    }
    /// Ends the run before. `subscribers` stays valid until end_run.
    void begin_run(std::string_view channel, std::span<const Slot> subscribers, std::optional<Slot> excluded);
    /// False: the run has no subscribers, and needs no frames.
    [[nodiscard]] bool has_audience() const { return !run_.subscribers.empty(); }
    void add_to_run(const SlabRange& frame);
    /// Queues what the run has for its subscribers.
    void end_run();

    /// An exception has left a message of the hub half done: ends the connections that may have missed something of it,
    /// which their clients answer by connecting again. fail_run: the subscribers of a run that has not been sent whole.
    void fail_run(const std::exception& error) noexcept;
    void fail(std::span<const Slot> subscribers, const std::exception& error) noexcept;
    void fail_all(const std::exception& error) noexcept;

    /// Closes those that hold most memory, until they have held `bytes` together; none that holds less than
    /// kMinShedBytes. When there is no memory to find out who holds most, any of them. Of an exception in a
    /// connection's shedding that one ends.
    void shed(std::uint64_t bytes);

private:
    struct Run {
        std::string channel;
        std::optional<Slot> excluded;
        std::span<const Slot> subscribers;
        SlabRange frames;
        std::size_t messages = 0;
    };

    void send_recoded(std::span<const Slot> subscribers, const SlabRange& frames, std::size_t count,
                      std::optional<Slot> excluded);
    /// Those that so much is kept in memory for that it is worth closing them, and how much; most first.
    [[nodiscard]] std::vector<std::pair<std::size_t, StreamConnection*>> by_memory() const;

    Reactor& reactor_;
    Recoder* const recoder_;
    std::vector<StreamConnection*> connections_;  ///< by slot; null: none
    std::size_t recoded_ = 0;                     ///< connections that want frames in another form
    Run run_;
};

}  // namespace tulle::node
