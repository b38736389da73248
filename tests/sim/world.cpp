#include "tests/sim/world.hpp"

#include <algorithm>
#include <cstdio>

namespace tulle::sim {
namespace {

const mesh::ShardIndex kShard{0};

std::string seconds(Instant at) {
    char text[32];
    std::snprintf(text, sizeof text, "%11.6f", static_cast<double>((at - Instant{1000s}).count()) / 1e9);
    return text;
}

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      prng_(options.seed),
      network_(scheduler_, prng_, options.hosts,
               {.input = [this](HostId host, mesh::Input in) { input(host, std::move(in)); },
                .listening = [this](HostId host) { return processes_[host] != nullptr; },
                .running = [this](HostId host) { return processes_[host] != nullptr && !processes_[host]->frozen; },
                .oid = [this](HostId host) { return processes_[host] ? processes_[host]->oid : OriginId{}; }}),
      processes_(options.hosts) {}

void World::note(const std::string& what) {
    if (options_.trace) {
        std::printf("%s %s\n", seconds(now()).c_str(), what.c_str());
    }
}

void World::violation(const std::string& what) {
    note("VIOLATION " + what);
    violations_.push_back("t=" + seconds(now()) + " " + what);
}

std::string World::name_of(OriginId oid) const {
    const auto found = names_.find(oid);
    return found == names_.end() ? to_hex(oid) : found->second;
}

void World::start(HostId host, const std::vector<HostId>& seeds, const std::string& name) {
    auto process = std::make_unique<Process>();
    process->oid = OriginId{prng_.next() | 1};
    process->name = name;
    process->started = now();
    names_[process->oid] = name + "/" + to_hex(process->oid).substr(0, 4);
    mesh::NodeOptions options{.oid = process->oid,
                              .cluster = "sim",
                              .name = name,
                              .version = "sim",
                              .endpoints = {Network::control_endpoint(host), Network::data_endpoint(host), "-"},
                              .seeds = {},
                              .timing = options_.timing,
                              .limits = options_.limits};
    for (const HostId seed : seeds) {
        options.seeds.push_back(Network::control_endpoint(seed));
    }
    process->node = std::make_unique<mesh::MeshNode>(std::move(options), prng_.next());
    process->node->set_shards(1);
    processes_[host] = std::move(process);
    note("start " + name_of(processes_[host]->oid) + " on host " + std::to_string(host));
    mesh::Effects effects;
    processes_[host]->node->start(now(), effects);
    run(host, effects);
}

void World::collect(const Process& process) {
    for (const auto& [name, value] : process.node->status(now()).counters) {
        counters_[name] += value;
    }
}

void World::kill(HostId host) {
    note("kill " + name_of(processes_[host]->oid));
    collect(*processes_[host]);
    network_.process_died(host);
    dead_.push_back({std::move(processes_[host]), now()});
}

bool World::quiet(Instant from, Instant to) const {
    return std::none_of(disturbances_.begin(), disturbances_.end(),
                        [&](const auto& span) { return span.first <= to && from <= span.second; });
}

void World::freeze(HostId host) {
    note("freeze " + name_of(processes_[host]->oid));
    processes_[host]->frozen = true;
}

void World::thaw(HostId host) {
    note("thaw " + name_of(processes_[host]->oid));
    processes_[host]->frozen = false;
    processes_[host]->thawed = now();
    processes_[host]->turn_due = false;
    schedule_turn(host, now());
}

void World::leave(HostId host) {
    note("leave " + name_of(processes_[host]->oid));
    if (!processes_[host]->leaving_since) {
        processes_[host]->leaving_since = now();
    }
    input(host, mesh::LeaveRequest{options_.timing.drain});
}

void World::subscribe(HostId host, const std::string& channel) {
    Process& process = *processes_[host];
    if (process.pending.contains(channel) || process.subscribed.contains(channel)) {
        return;
    }
    process.pending[channel] = {++process.generation, now()};
    input(host, mesh::PortInput{kShard, mesh::Subscribe{channel, process.generation}});
}

void World::unsubscribe(HostId host, const std::string& channel) {
    Process& process = *processes_[host];
    const auto found = process.subscribed.find(channel);
    if (process.pending.erase(channel) == 0 && found == process.subscribed.end()) {
        return;
    }
    if (found != process.subscribed.end()) {
        found->second.ended = now();
        process.ended.push_back(std::move(found->second));
        process.subscribed.erase(found);
    }
    input(host, mesh::PortInput{kShard, mesh::Unsubscribe{channel}});
}

void World::publish(HostId host, const std::string& channel) {
    Process& process = *processes_[host];
    const std::uint64_t id = ++process.last_publish_id;
    process.unanswered[id] = channel;
    auto body = std::to_string(process.oid.value) + (prng_.chance(5) ? std::string(1000, ' ') : std::string());
    input(host, mesh::PortInput{kShard, mesh::Publish{id, {channel}, share(std::move(body)), {}}});
}

void World::input(HostId host, mesh::Input in) {
    Process* process = processes_[host].get();
    if (process == nullptr || process->fatal) {
        return;
    }
    process->inbox.push_back(std::move(in));
    schedule_turn(host, now() + Duration{static_cast<Duration::rep>(prng_.below(50'000))});
}

void World::schedule_turn(HostId host, Instant when) {
    Process& process = *processes_[host];
    if (process.frozen || (process.turn_due && process.wake_at <= when)) {
        return;
    }
    process.turn_due = true;
    process.wake_at = when;
    scheduler_.at(when, [this, host, oid = process.oid, when] {
        Process* p = processes_[host].get();
        if (p != nullptr && p->oid == oid && p->turn_due && p->wake_at == when && !p->frozen) {
            turn(host);
        }
    });
}

void World::turn(HostId host) {
    Process& process = *processes_[host];
    process.turn_due = false;
    process.turns_at_once = process.last_turn == now() ? process.turns_at_once + 1 : 0;
    process.last_turn = now();
    if (process.turns_at_once > 10'000) {
        violation("livelock: " + name_of(process.oid) + " asks for turns without end");
        process.fatal = true;
        return;
    }
    std::vector<mesh::Input> inputs;
    inputs.swap(process.inbox);
    mesh::Effects effects;
    for (const mesh::Input& in : inputs) {
        process.node->step(now(), in, effects);
    }
    process.node->settle(now(), effects);
    run(host, effects);
}

void World::run(HostId host, mesh::Effects& effects) {
    Process& process = *processes_[host];
    for (mesh::Effect& effect : effects) {
        if (auto* open = std::get_if<mesh::OpenLink>(&effect)) {
            network_.open_link(host, open->link, open->endpoint);
        } else if (auto* close = std::get_if<mesh::CloseLink>(&effect)) {
            network_.close_link(host, close->link);
        } else if (auto* check = std::get_if<mesh::CheckEndpoint>(&effect)) {
            network_.check_endpoint(host, check->link, check->endpoint);
        } else if (auto* connect = std::get_if<mesh::ConnectData>(&effect)) {
            network_.connect_data(host, connect->endpoint);
        } else if (auto* disconnect = std::get_if<mesh::DisconnectData>(&effect)) {
            network_.disconnect_data(host, disconnect->endpoint);
        } else if (auto* control = std::get_if<mesh::SendControl>(&effect)) {
            network_.send_control(host, control->link, std::move(control->message));
        } else if (auto* data = std::get_if<mesh::SendData>(&effect)) {
            network_.send_data(host, std::move(data->message));
        } else if (auto* local = std::get_if<mesh::DeliverLocal>(&effect)) {
            deliver(process, local->record);
        } else if (auto* to_port = std::get_if<mesh::ToPort>(&effect)) {
            to_shard(host, process, to_port->message);
        } else if (auto* notice = std::get_if<mesh::Notice>(&effect)) {
            note(name_of(process.oid) + ": " + notice->text);
        } else if (std::holds_alternative<mesh::ReadinessChanged>(effect)) {
            note(name_of(process.oid) + ": readiness changed");
        } else if (std::holds_alternative<mesh::Left>(effect)) {
            process.left = true;
            process.left_late = process.leaving_since && now() - *process.leaving_since >= options_.timing.drain;
            scheduler_.after(0ms, [this, host, oid = process.oid] {
                if (processes_[host] && processes_[host]->oid == oid) {
                    kill(host);
                }
            });
        } else if (auto* fatal = std::get_if<mesh::Fatal>(&effect)) {
            note(name_of(process.oid) + " ends: " + fatal->text);
            process.fatal = true;
        }
    }
    const std::uint64_t sessions = process.node->membership().counters().sessions;
    if (sessions != process.sessions) {
        process.sessions = sessions;
        for (const auto& [oid, peer] : process.node->membership().peers()) {
            if (peer.in_session()) {
                process.first_session.emplace(oid, now());
            }
        }
    }
    schedule_turn(host, process.node->next_deadline());
}

void World::deliver(Process& process, const mesh::RecordPtr& record) {
    const OriginId origin{std::stoull(*record->body)};
    for (const std::string& channel : record->channels) {
        const auto found = process.subscribed.find(channel);
        if (found == process.subscribed.end()) {
            continue;
        }
        std::vector<mesh::RecordNo>& seen = found->second.seen[origin];
        if (!seen.empty() && record->n <= seen.back()) {
            violation("P2 " + name_of(process.oid) + " got " + std::to_string(record->n.value) + " of " + name_of(origin) +
                      " after " + std::to_string(seen.back().value));
        }
        seen.push_back(record->n);
    }
}

void World::to_shard(HostId host, Process& process, const mesh::ToShard& message) {
    if (const auto* subscribed = std::get_if<mesh::Subscribed>(&message)) {
        const auto found = process.pending.find(subscribed->channel);
        if (found != process.pending.end() && found->second.generation == subscribed->generation) {
            process.pending.erase(found);
            process.subscribed[subscribed->channel] = Subscriber{.channel = subscribed->channel, .confirmed = now()};
        }
    } else if (const auto* published = std::get_if<mesh::Published>(&message)) {
        const auto found = process.unanswered.find(published->id);
        if (published->outcome == mesh::PublishOutcome::kAccepted) {
            accepted_.push_back({process.oid, host, published->n, found->second, now()});
        }
        process.unanswered.erase(found);
    } else if (const auto* gap = std::get_if<mesh::Gap>(&message)) {
        for (auto& [channel, subscriber] : process.subscribed) {
            if (gap->channel.empty()) {
                subscriber.gap_unknown = true;
            } else if (gap->channel == channel) {
                subscriber.gap += gap->missing;
            }
        }
    }
}

}  // namespace tulle::sim
