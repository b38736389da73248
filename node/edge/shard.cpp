#include "node/edge/shard.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>
#include <boost/asio/post.hpp>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"
#include "node/edge/edge_port.hpp"
#include "node/edge/hosted_hub.hpp"
#include "node/edge/mover.hpp"
#include "node/edge/reactor.hpp"
#include "node/edge/wakeup.hpp"

namespace tulle::node {

/// The part of a shard that runs on its thread. A member is declared after every member that it depends on.
class Shard::Loop {
public:
    explicit Loop(const ShardOptions& options)
        : options_(options),
          limits_(options.limits ? options.limits : std::make_shared<NodeLimits>(NodeLimitsOptions{})),
          reactor_(options.flush),
          wakeup_(reactor_, [this] { take_mail(); }),
          mover_(reactor_, [this] { return clients_to_move(false); }) {}

    ~Loop() {
        // No thread runs any more, so connections may be freed while edges and limits still live.
        stop();
        reactor_.release();
    }

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    EdgePort& add(mesh::ShardIndex port, mesh::HubMailbox& hub, const MakeEdge& make) {
        TULLE_ASSERT(!thread_.joinable());
        // The first shard speaks for the node.
        const ShardContext context{reactor_, limits_, options_.shards, options_.number == 0};
        ports_.push_back(std::make_unique<EdgePort>(port, hub, context, make, [this] { on_mail(); }));
        return *ports_.back();
    }

    void host(mesh::HubTurns& hub) { hosted_.emplace(reactor_, hub); }

    void start() {
        wakeup_.start();
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            port->start_listening();
        }
        thread_ = std::thread([this] { run(); });
    }

    void stop() {
        reactor_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
        // The hub's descriptor is released after the thread has ended.
        if (hosted_) {
            hosted_.reset();
        }
    }

    template <class F>
    void post(F&& function) {
        boost::asio::post(reactor_.context(), std::forward<F>(function));
    }

    void stop_accepting() {
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            port->stop_listening();
        }
    }

    void move_clients(Duration duration) {
        stop_accepting();
        set_moving(true);
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            port->edge().end_idle();
        }
        mover_.move_all(duration);
    }

    void keep_clients() {
        mover_.stop();
        set_moving(false);
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            port->resume_listening();
        }
    }

    void move_some(std::size_t count, Duration duration) {
        if (!is_draining_ && !mover_.is_moving_all()) {
            set_moving(true);
            mover_.move_some(clients_to_move(true), count, duration);
        }
    }

    void drain(std::function<void()> on_drained) {
        mover_.stop();
        // From here on end_turn() drains some connections each turn (drain_more).
        on_drained_ = std::move(on_drained);
        is_draining_ = true;
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            port->begin_drain();
        }
    }

    void cut(std::function<void()> on_cut) {
        on_drained_ = std::move(on_cut);
        reactor_.cut_all();
    }

    std::vector<mesh::ShardIndex> ports() const {
        std::vector<mesh::ShardIndex> indexes;
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            indexes.push_back(port->index());
        }
        return indexes;
    }

    void wake() { wakeup_.notify(); }
    const ShardCounters& counters() const { return reactor_.counters(); }

private:
    void run() {
        try {
            if (hosted_) {
                hosted_->begin();
            }
            reactor_.run([this] { end_turn(); });
        } catch (const std::exception& error) {
            // A failed shard cannot tell its clients or the mesh. Both see the end of the process.
            spdlog::critical("a shard has failed: {}", error.what());
            std::terminate();
        }
    }

    /// The hub has put mail into a port. A hub on this thread needs no wake-up: the shard takes mail after each turn of
    /// the hub (hand_over).
    void on_mail() {
        if (!hosted_) {
            wakeup_.notify();
        }
    }

    void take_mail() {
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            port->take_mail();
        }
    }

    void end_turn() {
        // Shedding comes first: its ends are then told to the hub in this turn.
        if (const std::uint64_t bytes = limits_->take_shed_order(last_shed_); bytes > 0) {
            shed(bytes);
        }
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            port->run_handshakes();
        }
        if (mover_.is_moving()) {
            // What the hub has given by now goes to the clients before their Close.
            take_mail();
            mover_.run();
            if (!mover_.is_moving()) {
                set_moving(false);
            }
        }
        const bool is_all = hand_over() && drain_more();
        // The hub's mailbox is full: the shard tries again soon.
        if (!is_all) {
            reactor_.wake_at(reactor_.now() + kHubRetryInterval);
        } else {
            for (const std::unique_ptr<EdgePort>& port : ports_) {
                port->edge().on_hub_room();
            }
            // A hub on this thread has had its turn: what the edges have said since would wait for the next deadline of
            // the hub, a heartbeat perhaps.
            if (hosted_ && hosted_->is_pushed()) {
                reactor_.wake_at(reactor_.now());
            }
        }
        // Drained: no connection is left, and the hub knows about every end.
        if (on_drained_ && is_all && reactor_.connections() == 0) {
            std::exchange(on_drained_, nullptr)();
        }
    }

    void set_moving(bool is_moving) {
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            port->edge().set_moving(is_moving);
        }
    }

    /// The clients of all edges.
    [[nodiscard]] std::vector<Slot> clients_to_move(bool is_for_balance) const {
        std::vector<Slot> all;
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            const std::vector<Slot> some = port->edge().clients_to_move(is_for_balance);
            all.insert(all.end(), some.begin(), some.end());
        }
        return all;
    }

    /// Each edge frees its part.
    void shed(std::uint64_t bytes) {
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            try {
                port->edge().shed((bytes + ports_.size() - 1) / ports_.size());
            } catch (const std::exception& error) {
                // The next order comes while memory is short.
                reactor_.count_failure(error);
            }
        }
    }

    /// Drains the next connections of a node that goes away. Messages that the hub has given by now are queued for the
    /// clients before the clients are closed. False: messages of the connections wait for room in the hub's mailbox.
    [[nodiscard]] bool drain_more() {
        if (!is_draining_) {
            return true;
        }
        take_mail();
        // More connections are to be told: the next turn begins at once.
        if (!reactor_.drain_some(kMaxWrites)) {
            reactor_.wake_at(reactor_.now());
        }
        const bool is_all = tell_hub();
        if (hosted_) {
            hosted_->watch();
        }
        return is_all;
    }

    /// Gives the hub the messages of the turn, and runs a hub on this thread. False: messages wait for room in the
    /// hub's mailbox. An answer of the hub may make the shard say more, hence the loop.
    [[nodiscard]] bool hand_over() {
        bool is_all = tell_hub();
        if (!hosted_) {
            return is_all;
        }
        hosted_->look();
        bool is_due = hosted_->is_due();
        // A hub that other nodes keep busy waits for the next turn; only messages of this shard bring a further turn
        // now.
        for (std::size_t i = 0; i < HostedHub::kMaxTurns && is_due; ++i) {
            hosted_->run();
            take_mail();
            is_all = tell_hub();
            is_due = hosted_->is_pushed();
        }
        hosted_->watch();
        return is_all;
    }

    // Ends the turn of every edge. False: messages of an edge wait for room.
    [[nodiscard]] bool tell_hub() {
        bool is_all = true;
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            is_all = port->tell_hub() && is_all;
        }
        return is_all;
    }

    const ShardOptions options_;
    const std::shared_ptr<NodeLimits> limits_;
    Reactor reactor_;
    Wakeup wakeup_;
    std::vector<std::unique_ptr<EdgePort>> ports_;
    std::optional<HostedHub> hosted_;
    Mover mover_;
    std::function<void()> on_drained_;
    bool is_draining_ = false;
    std::uint64_t last_shed_ = 0;
    std::thread thread_;
};

Shard::Shard(const ShardOptions& options) : loop_(std::make_unique<Loop>(options)) {}

Shard::~Shard() = default;

EdgePort& Shard::add(mesh::ShardIndex port, mesh::HubMailbox& hub, const MakeEdge& make) {
    return loop_->add(port, hub, make);
}

std::vector<mesh::ShardIndex> Shard::ports() const {
    return loop_->ports();
}

const ShardCounters& Shard::counters() const {
    return loop_->counters();
}

void Shard::host(mesh::HubTurns& hub) {
    loop_->host(hub);
}

void Shard::start() {
    loop_->start();
}

void Shard::post(std::function<void()> work) {
    loop_->post([work = std::move(work)]() noexcept { work(); });
}

void Shard::wake() {
    loop_->wake();
}

void Shard::stop() {
    loop_->stop();
}

void Shard::stop_accepting() {
    loop_->post([loop = loop_.get()]() noexcept { loop->stop_accepting(); });
}

void Shard::move_clients(Duration duration) {
    loop_->post([loop = loop_.get(), duration]() noexcept { loop->move_clients(duration); });
}

void Shard::keep_clients() {
    loop_->post([loop = loop_.get()]() noexcept { loop->keep_clients(); });
}

void Shard::move_some(std::size_t count, Duration duration) {
    loop_->post([loop = loop_.get(), count, duration]() noexcept { loop->move_some(count, duration); });
}

void Shard::drain(std::function<void()> on_drained) {
    loop_->post([loop = loop_.get(), done = std::move(on_drained)]() noexcept { loop->drain(done); });
}

void Shard::cut(std::function<void()> on_cut) {
    loop_->post([loop = loop_.get(), done = std::move(on_cut)]() noexcept { loop->cut(done); });
}

}  // namespace tulle::node
