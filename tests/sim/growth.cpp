#include "tests/sim/growth.hpp"

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "mesh/base/prng.hpp"
#include "mesh/core/node/mesh_node.hpp"
#include "mesh/wire/codec.hpp"

namespace tulle::sim {
namespace {

/// All nodes know these first nodes.
constexpr std::size_t kSeeds = 3;
/// Channels of each node.
constexpr std::size_t kChannels = 20;
/// A mesh not converged by then is given up.
constexpr Duration kPatience = 120s;
/// Of the frequent kinds of messages one in this many is encoded.
constexpr std::uint64_t kSampled = 16;

/// Nodes that take turns at a fixed pace. A message sent in a turn arrives in the receiver's next turn: without an
/// event queue a million messages in a virtual second are affordable.
class Cluster {
public:
    Cluster(std::size_t nodes, Duration tick) : tick_(tick), hosts_(nodes) {
        for (std::size_t host = 0; host < nodes; ++host) {
            hosts_[host].oid = OriginId{prng_.next() | 1};
            homes_[hosts_[host].oid.value] = host;
            hosts_[host].subscribers.resize(nodes);
        }
    }

    /// Starts the node of a host.
    void start(std::size_t host) {
        mesh::NodeOptions options{.oid = hosts_[host].oid,
                                  .cluster = "growth",
                                  .name = "node-" + std::to_string(host),
                                  .version = "1.0.0",
                                  .endpoints = {endpoint(host, 7001), endpoint(host, 7002), endpoint(host, 8000)},
                                  .seeds = {}};
        for (std::size_t seed = 0; seed < kSeeds; ++seed) {
            options.seeds.push_back(endpoint(seed, 7001));
        }
        hosts_[host].node = std::make_unique<mesh::MeshNode>(std::move(options), prng_.next());
        hosts_[host].node->set_shards(1);
        mesh::Effects effects;
        hosts_[host].node->start(now_, effects);
        run(host, effects);
    }

    /// Ends a node. Peers notice their broken connections in the next turn.
    void kill(std::size_t victim) {
        hosts_[victim].node.reset();
        for (Host& host : hosts_) {
            for (std::uint32_t connection = 0; connection < host.connections.size(); ++connection) {
                if (host.connections[connection] == victim) {
                    host.next.push_back(mesh::ConnectionDown{mesh::ConnectionId{connection}});
                }
            }
        }
    }

    /// Subscribes to a channel, or unsubscribes.
    void change_interest(std::size_t host, bool add, const std::string& channel) {
        const mesh::ShardIndex shard{0};
        hosts_[host].next.push_back(add ? mesh::PortInput{shard, mesh::Subscribe{channel, 1}}
                                        : mesh::PortInput{shard, mesh::Unsubscribe{channel}});
    }

    /// A turn of all nodes.
    void tick() {
        now_ += tick_;
        // First all inboxes are filled, so that no message of this turn arrives in this turn.
        for (Host& host : hosts_) {
            host.inbox.swap(host.next);
        }
        for (std::size_t host = 0; host < hosts_.size(); ++host) {
            turn(host);
        }
    }

    /// True when every node holds the interest of every other node.
    [[nodiscard]] bool everybody_holds_everybody() const {
        for (const Host& a : hosts_) {
            for (const Host& b : hosts_) {
                if (&a != &b && a.node && b.node && !holds(*a.node, b)) {
                    return false;
                }
            }
        }
        return true;
    }

    /// True when a node still has a session with the victim.
    [[nodiscard]] bool anybody_believes_in(std::size_t victim) const {
        for (const Host& host : hosts_) {
            const mesh::Peer* peer = host.node ? host.node->membership().find(hosts_[victim].oid) : nullptr;
            if (peer != nullptr && peer->in_session()) {
                return true;
            }
        }
        return false;
    }

    /// The messages and bytes of a node since the last call, on average.
    Rate take_sums() {
        const double nodes = static_cast<double>(hosts_.size());
        Rate sums{.control = static_cast<double>(control_) / nodes,
                  .control_bytes = control_bytes_ / nodes,
                  .data = static_cast<double>(data_) / nodes,
                  .data_bytes = data_bytes_ / nodes};
        control_ = data_ = 0;
        control_bytes_ = data_bytes_ = 0;
        return sums;
    }

    [[nodiscard]] Instant now() const { return now_; }
    void run_for(Duration time) {
        for (Duration passed{}; passed < time; passed += tick_) {
            tick();
        }
    }

private:
    /// A place for a node, and the connections of the node.
    struct Host {
        OriginId oid;
        std::unique_ptr<mesh::MeshNode> node;
        std::vector<mesh::Input> inbox;
        std::vector<mesh::Input> next;
        // By number: the host at the other end, or kClosed.
        std::vector<std::size_t> connections;
        // By host: true for a subscriber of this node's data.
        std::vector<bool> subscribers;
    };
    /// The average size of a frequent kind of message.
    struct Sampled {
        std::uint64_t seen = 0;
        std::uint64_t encoded = 0;
        double bytes = 0;
    };
    static constexpr std::size_t kClosed = ~std::size_t{0};

    static std::string endpoint(std::size_t host, int port) {
        return "10.0." + std::to_string(host / 250) + "." + std::to_string(host % 250) + ":" + std::to_string(port);
    }

    /// The host of an endpoint.
    static std::size_t host_of(const std::string& where) {
        const std::size_t third = where.find('.', 5);
        return std::stoul(where.substr(5, third - 5)) * 250 + std::stoul(where.substr(third + 1));
    }

    /// True when the node holds the present interest of the other.
    static bool holds(const mesh::MeshNode& node, const Host& other) {
        const auto held = node.interest_of(other.oid);
        const mesh::InterestLog& log = other.node->local_interest().log();
        return held && held->first == log.version() && held->second == log.digest();
    }

    void turn(std::size_t host) {
        Host& self = hosts_[host];
        if (!self.node) {
            self.inbox.clear();
            return;
        }
        // Nothing to take and nothing due.
        if (self.inbox.empty() && self.node->next_deadline() > now_) {
            return;
        }
        mesh::Effects effects;
        for (const mesh::Input& input : self.inbox) {
            self.node->step(now_, input, effects);
        }
        self.inbox.clear();
        self.node->settle(now_, effects);
        run(host, effects);
    }

    void run(std::size_t host, mesh::Effects& effects) {
        Host& self = hosts_[host];
        for (mesh::Effect& effect : effects) {
            if (auto* control = std::get_if<mesh::SendControl>(&effect)) {
                send_control(self, *control);
            } else if (auto* data = std::get_if<mesh::SendData>(&effect)) {
                send_data(self, data->message);
            } else if (auto* open = std::get_if<mesh::OpenConnection>(&effect)) {
                self.connections.resize(std::max<std::size_t>(self.connections.size(), open->connection.value + 1),
                                        kClosed);
                self.connections[open->connection.value] = host_of(open->endpoint);
                if (hosts_[host_of(open->endpoint)].node) {
                    self.next.push_back(mesh::ConnectionUp{open->connection});
                }
            } else if (auto* close = std::get_if<mesh::CloseConnection>(&effect)) {
                self.connections[close->connection.value] = kClosed;
            } else if (auto* check = std::get_if<mesh::CheckEndpoint>(&effect)) {
                const bool open_there = hosts_[host_of(check->endpoint)].node != nullptr;
                self.next.push_back(mesh::EndpointChecked{
                    check->connection, open_there ? mesh::EndpointState::kOpen : mesh::EndpointState::kRefused});
            } else if (auto* connect = std::get_if<mesh::ConnectData>(&effect)) {
                Host& publisher = hosts_[host_of(connect->endpoint)];
                publisher.subscribers[host] = true;
                publisher.next.push_back(mesh::SubscriberSeen{self.oid});
            } else if (auto* disconnect = std::get_if<mesh::DisconnectData>(&effect)) {
                hosts_[host_of(disconnect->endpoint)].subscribers[host] = false;
            }
        }
    }

    void send_control(Host& self, mesh::SendControl& send) {
        const std::size_t to = self.connections[send.connection.value];
        if (to == kClosed || !hosts_[to].node) {
            return;
        }
        ++control_;
        const mesh::ControlBody& body = send.message.body;
        // Heartbeats and lists of members are most of the traffic.
        const bool frequent =
            std::holds_alternative<mesh::Heartbeat>(body) || std::holds_alternative<mesh::Members>(body);
        control_bytes_ += size_of(send.message, frequent ? &sampled_[body.index()] : nullptr);
        hosts_[to].next.push_back(std::move(send.message));
    }

    void send_data(Host& self, mesh::Data& message) {
        const std::size_t to = homes_.at(message.dst.value);
        if (!hosts_[to].node || !self.subscribers[to]) {
            return;
        }
        ++data_;
        data_bytes_ += size_of(message, std::holds_alternative<mesh::Tail>(message.body) ? &sampled_tail_ : nullptr);
        hosts_[to].next.push_back(std::move(message));
    }

    template <class Message>
    /// The bytes of a message; for a sampled kind the average so far.
    double size_of(const Message& message, Sampled* sampled) {
        if (sampled == nullptr) {
            return static_cast<double>(mesh::encode(message).size());
        }
        if (sampled->seen++ % kSampled == 0) {
            ++sampled->encoded;
            sampled->bytes += static_cast<double>(mesh::encode(message).size());
        }
        return sampled->bytes / static_cast<double>(sampled->encoded);
    }

    // The time between two turns, which is also the time of a message on the way.
    Duration tick_;
    Prng prng_{1};
    Instant now_{1000s};
    std::vector<Host> hosts_;
    std::unordered_map<std::uint64_t, std::size_t> homes_;
    std::uint64_t control_ = 0;
    std::uint64_t data_ = 0;
    double control_bytes_ = 0;
    double data_bytes_ = 0;
    std::array<Sampled, std::variant_size_v<mesh::ControlBody>> sampled_{};
    Sampled sampled_tail_;
};

/// Sums over a window as rates.
Rate per_second(Rate sums, Duration window) {
    const double seconds = static_cast<double>(window / 1ms) / 1000.0;
    return {sums.control / seconds, sums.control_bytes / seconds, sums.data / seconds, sums.data_bytes / seconds};
}

/// Starts all nodes within a second, subscribes all clients at the end of the second, and waits for convergence.
void join(Cluster& cluster, Growth& growth) {
    const Instant began = cluster.now();
    for (std::size_t started = 0; started < growth.nodes;) {
        const auto due = static_cast<std::size_t>((cluster.now() - began) / 1ms) * growth.nodes / 1000;
        for (; started <= due && started < growth.nodes; ++started) {
            cluster.start(started);
        }
        cluster.tick();
    }
    for (std::size_t host = 0; host < growth.nodes; ++host) {
        for (std::size_t i = 0; i < kChannels; ++i) {
            cluster.change_interest(host, true, "app/room-" + std::to_string((host * 7 + i * 13) % 500));
        }
    }
    while (!growth.converged && cluster.now() - began < kPatience) {
        cluster.run_for(100ms);
        growth.converged = cluster.everybody_holds_everybody();
    }
    growth.convergence = cluster.now() - began;
    const Rate sums = cluster.take_sums();
    growth.join_messages = sums.control;
    growth.join_bytes = sums.control_bytes;
}

}  // namespace

Growth measure_growth(std::size_t nodes) {
    Growth growth{.nodes = nodes, .window = nodes <= 100 ? Duration{60s} : nodes <= 200 ? Duration{10s} : Duration{4s}};
    growth.tick = nodes < 100 ? 10ms : nodes <= 200 ? 25ms : 50ms;
    Cluster cluster(nodes, growth.tick);
    join(cluster, growth);
    if (!growth.converged) {
        return growth;
    }
    // The words after convergence are no part of the idle rate.
    cluster.run_for(2s);
    static_cast<void>(cluster.take_sums());
    cluster.run_for(growth.window);
    growth.idle = per_second(cluster.take_sums(), growth.window);
    for (Duration passed{}; passed < growth.window; passed += 1s) {
        for (std::size_t host = 0; host < nodes; ++host) {
            cluster.change_interest(host, passed / 1s % 2 == 0, "app/changing-" + std::to_string(host));
        }
        cluster.run_for(1s);
    }
    growth.changing = per_second(cluster.take_sums(), growth.window);
    const Instant killed = cluster.now();
    cluster.kill(nodes - 1);
    while (cluster.anybody_believes_in(nodes - 1) && cluster.now() - killed < 10s) {
        cluster.tick();
    }
    growth.found_out = cluster.now() - killed;
    // Completes a whole number of seconds after the kill.
    cluster.run_for(1s - growth.found_out % 1s);
    growth.after_kill = per_second(cluster.take_sums(), cluster.now() - killed);
    return growth;
}

}  // namespace tulle::sim
