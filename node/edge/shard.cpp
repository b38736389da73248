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
#include "node/edge/reactor.hpp"
#include "node/edge/wakeup.hpp"

namespace tulle::node {

/// What runs on the shard's thread. The order of the members is that of their dependence.
class Shard::Loop {
public:
    explicit Loop(const ShardOptions& options)
        : options_(options),
          limits_(options.limits ? options.limits : std::make_shared<NodeLimits>(NodeLimitsOptions{})),
          reactor_(options.flush),
          wakeup_(reactor_, [this] { take_mail(); }) {}

    ~Loop() {
        stop();
        reactor_.release();
    }

    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    EdgePort& add(mesh::ShardIndex port, mesh::HubMailbox& hub, const MakeEdge& make) {
        TULLE_ASSERT(!thread_.joinable());
        const ShardContext context{reactor_, limits_, options_.shards, options_.number == 0};
        ports_.push_back(std::make_unique<EdgePort>(port, hub, context, make, [this] { on_mail(); }));
        return *ports_.back();
    }

    void host(mesh::HubTurns& hub) { hosted_.emplace(reactor_, hub); }

    void start() {
        wakeup_.start();
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            port->listener().start();
        }
        thread_ = std::thread([this] { run(); });
    }

    void stop() {
        reactor_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
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
            port->listener().stop();
        }
    }

    void drain(std::function<void()> on_drained) {
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
            spdlog::critical("a shard has failed: {}", error.what());
            std::terminate();
        }
    }

    /// A hub of this thread's is asked for it after each of its turns.
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
        if (const std::uint64_t bytes = limits_->take_shed_order(last_shed_); bytes > 0) {
            shed(bytes);
        }
        const bool is_all = hand_over() && drain_more();
        if (!is_all) {
            reactor_.wake_at(reactor_.now() + kHubRetryInterval);
        } else {
            for (const std::unique_ptr<EdgePort>& port : ports_) {
                port->edge().on_hub_room();
            }
        }
        if (on_drained_ && is_all && reactor_.connections() == 0) {
            std::exchange(on_drained_, nullptr)();
        }
    }

    /// Each edge frees its part.
    void shed(std::uint64_t bytes) {
        for (const std::unique_ptr<EdgePort>& port : ports_) {
            try {
                port->edge().shed((bytes + ports_.size() - 1) / ports_.size());
            } catch (const std::exception& error) {
                reactor_.count_failure(error);  // the next order comes while memory is short
            }
        }
    }

    /// What the hub has given by now is queued for the clients before they are closed. False: some that they said waits
    /// for room in the hub's mailbox.
    [[nodiscard]] bool drain_more() {
        if (!is_draining_) {
            return true;
        }
        take_mail();
        if (!reactor_.drain_some(kMaxWrites)) {
            reactor_.wake_at(reactor_.now());
        }
        const bool is_all = tell_hub();
        if (hosted_) {
            hosted_->watch();
        }
        return is_all;
    }

    /// False: some waits for room in the hub's mailbox. What a hub of this thread's answers may have us say more.
    [[nodiscard]] bool hand_over() {
        bool is_all = tell_hub();
        if (!hosted_) {
            return is_all;
        }
        hosted_->look();
        bool is_due = hosted_->is_due();
        for (std::size_t i = 0; i < HostedHub::kMaxTurns && is_due; ++i) {
            hosted_->run();
            take_mail();
            is_all = tell_hub();
            is_due = hosted_->is_pushed();
        }
        hosted_->watch();
        return is_all;
    }

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

void Shard::drain(std::function<void()> on_drained) {
    loop_->post([loop = loop_.get(), done = std::move(on_drained)]() noexcept { loop->drain(done); });
}

void Shard::cut(std::function<void()> on_cut) {
    loop_->post([loop = loop_.get(), done = std::move(on_cut)]() noexcept { loop->cut(done); });
}

}  // namespace tulle::node
