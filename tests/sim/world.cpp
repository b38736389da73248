#include "tests/sim/world.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tests/sim/checkers.hpp"

namespace tulle::sim {
namespace {

/// Seconds since the beginning of the run, with six digits behind the point.
std::string seconds(Instant at) {
    char text[32];
    std::snprintf(text, sizeof text, "%11.6f", static_cast<double>((at - Instant{1000s}).count()) / 1e9);
    return text;
}

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      prng_(options.seed),
      name_server_(options.seed),
      versions_(options.seed),
      copies_(options.seed),
      histories_(options.seed),
      roamers_(*this, options.seed ^ 0x726f616d),
      spoken_(options.hosts),
      network_(scheduler_, prng_, options.hosts, options.high_water, receiver()),
      processes_(options.hosts) {}

Network::Receiver World::receiver() {
    Network::Receiver all{
        .input = [this](HostId host, mesh::Input in) { input(host, std::move(in)); },
        .listening = [this](HostId host) { return processes_[host] != nullptr; },
        .running = [this](HostId host) { return processes_[host] != nullptr && !processes_[host]->frozen; },
        .oid = [this](HostId host) { return processes_[host] ? processes_[host]->oid : OriginId{}; }};
    // With two versions around, messages go as bytes: each process must read the version of the session.
    if (options_.versions != Versions::kNewest) {
        all.newest = [this](HostId host) { return processes_[host]->newest; };
        all.misread = [this](const std::string& what) { violation("wire: " + what); };
    }
    return all;
}

std::uint32_t World::newest_protocol(HostId host) {
    const bool has_turned = now() - Instant{1000s} >= options_.turn;
    bool is_old = false;
    switch (options_.versions) {
        case Versions::kNewest:
            break;
        case Versions::kUpgrade:
            is_old = !has_turned;
            break;
        case Versions::kRollback:
            is_old = has_turned;
            break;
        case Versions::kMixed:
            is_old = versions_.chance(50);
            break;
    }
    const std::uint32_t newest = is_old ? mesh::kOldestProtocolVersion : mesh::kProtocolVersion;
    // A change against the last process of the host is an upgrade or a rollback; 0 stands for no process yet.
    const std::uint32_t before = std::exchange(spoken_[host], newest);
    upgrades_ += before != 0 && before < newest ? 1u : 0u;
    rollbacks_ += before > newest ? 1u : 0u;
    return newest;
}

void World::note(const std::string& what) {
    if (options_.sink) {
        options_.sink(now(), what);
    }
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
    // Bit 0 is set, so no process has the oid 0, which means nobody.
    process->oid = OriginId{prng_.next() | 1};
    process->name = name;
    process->host = host;
    process->started = now();
    process->newest = newest_protocol(host);
    process->clock_ppm = options_.skewed_clocks ? static_cast<std::int64_t>(prng_.below(40'001)) - 20'000 : 0;
    // Names repeat, so the first digits of the oid belong to the name in notes.
    names_[process->oid] = name + "/" + to_hex(process->oid).substr(0, 4);
    mesh::NodeOptions options{.oid = process->oid,
                              .cluster = "sim",
                              .name = name,
                              .version = "sim",
                              .endpoints = {Network::control_endpoint(host), Network::data_endpoint(host), "-"},
                              .seeds = {},
                              .timing = options_.timing,
                              .limits = options_.limits,
                              .newest_protocol = process->newest};
    defects_.spoil(options);
    // A single name stands for all hosts, and look_up() answers.
    if (options_.peers_by_name) {
        options.seed_names = {"all:7001"};
    }
    for (const HostId seed : seeds) {
        if (!options_.peers_by_name) {
            options.seeds.push_back(Network::control_endpoint(seed));
        }
    }
    process->node = std::make_unique<mesh::MeshNode>(std::move(options), prng_.next());
    const std::uint64_t shards = Edge::kShards + (options_.histories ? 1u : 0u);
    process->node->set_shards((std::uint64_t{1} << shards) - 1);
    process->node->set_duty_shard(Clerk::kShard);
    processes_[host] = std::move(process);
    network_.process_started(host);
    note("start " + name_of(processes_[host]->oid) + " on host " + std::to_string(host));
    mesh::Effects effects;
    processes_[host]->node->start(local_time(*processes_[host], now()), effects);
    run(host, effects);
}

void World::collect(const Process& process) {
    for (const auto& [name, value] : process.node->status(local_time(process, now())).counters) {
        counters_[name] += value;
    }
}

void World::kill(HostId host) {
    note("kill " + name_of(processes_[host]->oid));
    ledger_.disturbed();
    std::map<DutyLedger::Item, std::uint64_t> lost;
    processes_[host]->clerk.add_counts(lost);
    // With the process all its counts go, so the true counts of the items change.
    for (const auto& [item, count] : lost) {
        if (count > 0) {
            ledger_.changed(now(), item);
        }
    }
    // A word of the dead process may be known to the living, and to processes killed so recently that nobody has found
    // out.
    std::set<OriginId> others = living_beside(*processes_[host]);
    for (const Dead& dead : dead_) {
        if (!dead.process->left && now() <= dead.at + kFoundOut) {
            others.insert(dead.process->oid);
        }
    }
    ledger_.ended(processes_[host]->oid, processes_[host]->met, others);
    breathe_last(*processes_[host]);
    judge_shelves(*processes_[host]);
    // Everything that the judges want to know of the last moment must be read before the network forgets the process.
    std::set<OriginId> heirs = heirs_of(host);
    note_retained_losses(host, heirs);
    std::map<std::string, std::set<OriginId>> keepers;
    for (std::uint64_t i = 0; i < kCacheChannels; ++i) {
        keepers[cache_channel(i)] = reached_keepers(*processes_[host], cache_channel(i));
    }
    collect(*processes_[host]);
    liveness_.killed(host);
    network_.process_died(host);
    dead_.push_back({std::move(processes_[host]), now(), std::move(keepers), std::move(heirs)});
}

void World::stop_all() {
    // The counters are all that is still wanted.
    for (auto& process : processes_) {
        if (process != nullptr) {
            collect(*process);
            process.reset();
        }
    }
}

void World::freeze(HostId host) {
    note("freeze " + name_of(processes_[host]->oid));
    ledger_.disturbed();
    processes_[host]->frozen = true;
    processes_[host]->frozen_at = now();
    liveness_.frozen(host);
}

void World::thaw(HostId host) {
    note("thaw " + name_of(processes_[host]->oid));
    processes_[host]->frozen = false;
    processes_[host]->thawed = now();
    // A turn planned before the freeze is void.
    processes_[host]->turn_due = false;
    network_.process_thawed(host);
    schedule_turn(host, now());
}

void World::leave(HostId host) {
    note("leave " + name_of(processes_[host]->oid));
    ledger_.disturbed();
    // From the first request on, the leaver's clients are the shell's matter, so their shelves are judged now.
    if (!processes_[host]->leaving_since) {
        judge_shelves(*processes_[host]);
        processes_[host]->leaving_since = now();
    }
    input(host, mesh::LeaveRequest{options_.timing.drain});
}

void World::change_key(HostId host) {
    note("the key of " + name_of(processes_[host]->oid) + " changes");
    input(host, mesh::RebindRequest{});
}

void World::subscribe(HostId host, mesh::ShardIndex shard, const std::string& channel) {
    Process& process = *processes_[host];
    const Edge::Joined joined = process.edge.subscribe(now(), shard, channel);
    if (joined.ask) {
        input(host, mesh::PortInput{shard, *joined.ask});
    }
}

void World::unsubscribe(HostId host, mesh::ShardIndex shard, const std::string& channel) {
    if (const auto tell = processes_[host]->edge.unsubscribe(now(), shard, channel)) {
        input(host, mesh::PortInput{shard, *tell});
    }
}

void World::join(HostId host, mesh::ShardIndex shard, const std::string& channel, const std::string& user) {
    processes_[host]->roster.join(shard, channel, user, asking(host));
}

void World::part(HostId host, mesh::ShardIndex shard, const std::string& channel, const std::string& user) {
    processes_[host]->roster.leave(now(), shard, channel, user, asking(host));
}

Roster::Ask World::asking(HostId host) {
    return [this, host](mesh::ShardIndex shard, mesh::ToHub message) {
        input(host, mesh::PortInput{shard, std::move(message)});
    };
}

void World::publish(HostId host, const std::string& channel) {
    Process& process = *processes_[host];
    const std::uint64_t id = ++process.last_publish_id;
    process.unanswered[id] = {channel, now()};
    // Publishes come from all shards in turn.
    const mesh::ShardIndex shard{static_cast<std::uint16_t>(id % Edge::kShards)};
    // The data names the origin, as deliver() needs the origin. Some messages are large, so that frames and rings fill.
    const auto data = std::to_string(process.oid.value) + (prng_.chance(5) ? std::string(1000, ' ') : std::string());
    // Bytes are accepted when all nodes speak the newer version. For a node of the older version that comes afterwards
    // the message is gone.
    const bool is_bytes = options_.versions != Versions::kNewest && versions_.chance(20);
    const bool is_named = options_.versions != Versions::kNewest;
    // With bytes on the wire, the names hold characters that codecs like to get wrong.
    const EventBody body(is_named ? "e \"\n\xed\xa0\xbd" : "", data, is_bytes ? DataKind::kBytes : DataKind::kJson,
                         is_named ? "7" : "");
    mesh::Publish publish{id, {channel}, share(body), {}};
    if (options_.histories && histories_.chance(80)) {
        publish.history =
            std::make_shared<const mesh::RecordHistory>(mesh::RecordHistory{{history_limits(channel)}, {1}});
    }
    if (options_.copies && copies_.chance(50)) {
        publish.copies = copies_.chance(30) ? 3 : 2;
        publish.copied = {0, 1};
    }
    input(host, mesh::PortInput{shard, std::move(publish)});
}

void World::publish_retained(HostId host, const std::string& channel) {
    Process& process = *processes_[host];
    const std::uint64_t id = ++process.last_publish_id;
    process.unanswered[id] = {channel, now()};
    mesh::Publish publish{id, {channel}, share(EventBody({}, std::to_string(process.oid.value))), {}};
    publish.retained = 1;
    publish.keep_for = 1h;
    input(host, mesh::PortInput{mesh::ShardIndex{0}, std::move(publish)});
}

void World::subscribe_retained(HostId host, mesh::ShardIndex shard, const std::string& channel) {
    processes_[host]->shelf.subscribe(now(), shard, channel, asking(host));
}

void World::unsubscribe_retained(HostId host, mesh::ShardIndex shard, const std::string& channel) {
    judge_shelf(*processes_[host], shard, channel);
    processes_[host]->shelf.unsubscribe(shard, channel, asking(host));
}

void World::ask_retained(HostId host, const std::string& channel) {
    Process& process = *processes_[host];
    const std::uint64_t id = ++process.last_publish_id;
    process.retained_asked[id] = channel;
    input(host, mesh::PortInput{mesh::ShardIndex{0}, mesh::Query{id, "kept", 1s, {channel}}});
}

void World::ask_history(HostId host, const std::string& channel) {
    Process* process = processes_[host].get();
    if (process == nullptr || process->frozen || process->leaving_since || !process->node->ready() ||
        !annals_.sees_all(*process)) {
        return;
    }
    const std::uint64_t id = ++process->last_publish_id;
    process->history_asked[id] = {channel, now()};
    mesh::Query query{.id = id, .body = "history", .timeout = 1s};
    query.history = mesh::HistoryAsk{.channel = channel, .limit = mesh::kMaxHistoryPage};
    input(host, mesh::PortInput{mesh::ShardIndex{0}, std::move(query)});
}

bool World::is_serving(OriginId oid) const {
    return std::any_of(processes_.begin(), processes_.end(), [&](const auto& process) {
        return process && process->oid == oid && !process->frozen && !process->leaving_since && process->node->ready();
    });
}

void World::on_retained(Process& process, mesh::ShardIndex shard, const mesh::Subscribed& answer) {
    if (const auto answered = process.shelf.on_subscribed(now(), shard, answer)) {
        check_answer(*this, process, answer.channel, *answered);
    }
}

void World::input(HostId host, mesh::Input in) {
    Process* process = processes_[host].get();
    if (process == nullptr || process->fatal) {
        return;
    }
    // Every input enters the hash, with time, host and kind.
    mix(static_cast<std::uint64_t>(now().time_since_epoch().count()) ^ (host << 56) ^ (in.index() << 48));
    process->inbox.push_back(std::move(in));
    // A hub takes a moment to wake, up to 50 us, so inputs of nearly the same time share a turn.
    schedule_turn(host, now() + Duration{static_cast<Duration::rep>(prng_.below(50'000))});
}

void World::schedule_turn(HostId host, Instant when) {
    Process& process = *processes_[host];
    // An earlier turn is planned already, and takes this input as well.
    if (process.frozen || (process.turn_due && process.wake_at <= when)) {
        return;
    }
    process.turn_due = true;
    process.wake_at = when;
    scheduler_.at(when, [this, host, oid = process.oid, when] {
        Process* p = processes_[host].get();
        // The turn is void when the process has ended or another turn has been planned in place of this turn.
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
    // No sane node needs so many turns without a move of the clock.
    if (process.turns_at_once > 10'000) {
        violation("livelock: " + name_of(process.oid) + " asks for turns without end");
        process.fatal = true;
        return;
    }
    std::vector<mesh::Input> inputs;
    inputs.swap(process.inbox);
    mesh::Effects effects;
    defects_.turn(*process.node, process.oid, local_time(process, now()), inputs, effects);
    run(host, effects);
}

void World::run(HostId host, mesh::Effects& effects) {
    Process& process = *processes_[host];
    // Comes first: a message to a shard in this turn may follow from a death.
    watch_membership(host, process);
    // Gaps told in this turn without a notice so far. The notice names the origin.
    Gaps gaps;
    for (mesh::Effect& effect : effects) {
        if (auto* open = std::get_if<mesh::OpenConnection>(&effect)) {
            network_.open_connection(host, open->connection, open->endpoint);
        } else if (auto* close = std::get_if<mesh::CloseConnection>(&effect)) {
            network_.close_connection(host, close->connection);
        } else if (auto* check = std::get_if<mesh::CheckEndpoint>(&effect)) {
            network_.check_endpoint(host, check->connection, check->endpoint);
        } else if (auto* resolve = std::get_if<mesh::ResolveName>(&effect)) {
            look_up(host, resolve->name);
        } else if (auto* connect = std::get_if<mesh::ConnectData>(&effect)) {
            network_.connect_data(host, connect->endpoint);
        } else if (auto* disconnect = std::get_if<mesh::DisconnectData>(&effect)) {
            network_.disconnect_data(host, disconnect->endpoint);
        } else if (auto* control = std::get_if<mesh::SendControl>(&effect)) {
            network_.send_control(host, control->connection, std::move(control->message));
        } else if (auto* data = std::get_if<mesh::SendData>(&effect)) {
            network_.send_data(host, std::move(data->message));
        } else if (auto* local = std::get_if<mesh::DeliverLocal>(&effect)) {
            deliver(process, *local);
        } else if (auto* to_port = std::get_if<mesh::ToPort>(&effect)) {
            const bool is_roamers = options_.histories && to_port->shard == Roamers::kShard;
            if (const auto* gap = std::get_if<mesh::Gap>(&to_port->message); gap != nullptr && !is_roamers) {
                gaps.emplace_back(to_port->shard, *gap);
            } else {
                to_shard(host, process, to_port->shard, to_port->message);
            }
        } else if (auto* notice = std::get_if<mesh::Notice>(&effect)) {
            note(name_of(process.oid) + ": " + notice->text);
            tell_gaps(process, notice->text, gaps);
        } else if (const auto* readiness = std::get_if<mesh::ReadinessChanged>(&effect)) {
            note(name_of(process.oid) + ": readiness changed");
            if (readiness->ready) {
                process.roster.on_ready(asking(host));
            }
        } else if (std::holds_alternative<mesh::Rebind>(effect)) {
            note(name_of(process.oid) + ": binds its ports again");
            network_.rebind(host);
        } else if (std::holds_alternative<mesh::Left>(effect)) {
            leave_done(host, process);
        } else if (auto* fatal = std::get_if<mesh::Fatal>(&effect)) {
            note(name_of(process.oid) + " ends: " + fatal->text);
            process.fatal = true;
        }
    }
    // A gap without a notice leaves the operator in the dark.
    if (!gaps.empty()) {
        violation("P3 " + name_of(process.oid) + " tells its clients of a gap and does not log whose");
    }
    mix(effects.size());
    // The node's own deadline is on the node's own clock.
    schedule_turn(host, global_time(process, process.node->next_deadline()));
}

void World::look_up(HostId host, const std::string& name) {
    // In percent: look-ups that fail.
    constexpr std::uint64_t kFails = 10;
    // In percent: addresses missing from an answer.
    constexpr std::uint64_t kLeavesOut = 20;
    mesh::NameResolved answer{name, {}, {}};
    for (HostId other = 0; other < hosts(); ++other) {
        if (!name_server_.chance(kLeavesOut)) {
            // At a random place: the order of a name server's answer means nothing.
            answer.endpoints.insert(
                answer.endpoints.begin() + static_cast<std::ptrdiff_t>(name_server_.below(answer.endpoints.size() + 1)),
                Network::control_endpoint(other));
        }
    }
    if (name_server_.chance(kFails)) {
        answer.endpoints.clear();
        answer.error = "the name server is away";
    }
    // A name server may take up to 300 ms.
    const auto later = Duration{static_cast<Duration::rep>(name_server_.below(300'000'000))};
    scheduler_.after(later, [this, host, oid = processes_[host]->oid, answer = std::move(answer)] {
        if (processes_[host] != nullptr && processes_[host]->oid == oid) {
            ++looked_up_;
            input(host, answer);
        }
    });
}

void World::leave_done(HostId host, Process& process) {
    process.left = true;
    const Duration took = process.leaving_since ? now() - *process.leaving_since : 0ms;
    // The deadline is on the process's own clock, which may be fast, hence the margin.
    process.left_late = took >= options_.timing.drain * 97 / 100;
    // The process ends after this turn, not within.
    scheduler_.after(0ms, [this, host, oid = process.oid] {
        if (processes_[host] && processes_[host]->oid == oid) {
            kill(host);
        }
    });
}

void World::watch_membership(HostId host, Process& process) {
    const mesh::Membership& membership = process.node->membership();
    watch_keepers(process);
    if (const std::uint64_t sessions = membership.counters().sessions; sessions != process.sessions) {
        process.sessions = sessions;
        for (const auto& [oid, peer] : membership.peers()) {
            if (peer.in_session()) {
                // emplace() keeps the moment of the first session.
                process.first_session.emplace(oid, now());
                process.met[oid] = now();
                mixed_sessions_ +=
                    peer.session_since == local_time(process, now()) && peer.protocol < process.newest ? 1u : 0u;
            }
        }
        // A session with a known peer was made again.
        if (process.first_session.size() < sessions) {
            ledger_.split(now());
        }
    }
    if (const std::uint64_t deaths = membership.counters().deaths; deaths != process.deaths) {
        process.deaths = deaths;
        const bool stuck = membership.counters().stuck_deaths !=
                           std::exchange(process.stuck_deaths, membership.counters().stuck_deaths);
        ledger_.disturbed();
        std::vector<OriginId> dead;
        // The deaths declared in this turn.
        for (const auto& [oid, peer] : membership.peers()) {
            if (peer.dead_since == local_time(process, now()) && peer.state != mesh::PeerState::kLeft) {
                dead.push_back(oid);
            }
        }
        for (const OriginId oid : dead) {
            liveness_.verdict(host, oid, stuck);
            // A verdict on a living process splits the mesh: both sides may act.
            const bool lives = std::any_of(processes_.begin(), processes_.end(),
                                           [&](const auto& other) { return other && other->oid == oid; });
            if (lives) {
                ledger_.split(now());
            }
        }
    }
}

Instant World::local_time(const Process& process, Instant at) {
    return at + (at - process.started) * process.clock_ppm / 1'000'000;
}

Instant World::global_time(const Process& process, Instant local) {
    // A process with nothing to wait for is woken once an hour.
    const Duration age = std::min<Duration>(local - process.started, 1h);
    Instant at = process.started + age * 1'000'000 / (1'000'000 + process.clock_ppm);
    // The division rounds down; a turn before the deadline would find nothing due.
    while (local_time(process, at) < process.started + age) {
        at += 1ns;
    }
    return at;
}

void World::deliver(Process& process, const mesh::DeliverLocal& local) {
    const OriginId origin{std::stoull(std::string(local.record->body->data()))};
    if ((local.shards >> Roamers::kShard.value & 1) != 0) {
        roamers_.deliver(process, *local.record);
    }
    process.shelf.on_deliver(local.shards, *local.record);
    process.edge.on_deliver(now(), local.shards, origin, local.record, [&](const std::string& what) {
        violation("P2 " + name_of(process.oid) + ": " + what + " of " + name_of(origin));
    });
}

void World::on_published(HostId host, Process& process, const mesh::Published& published) {
    const auto found = process.unanswered.find(published.id);
    if (found == process.unanswered.end()) {
        violation("P11 a publish was answered twice (" + name_of(process.oid) + ")");
        return;
    }
    const auto [channel, asked] = std::move(found->second);
    process.unanswered.erase(found);
    // Numbered messages are the debts of the mesh: the judge asks for each. With too few copies a message is a debt
    // like one without copies.
    if (published.n == mesh::RecordNo{}) {
        return;
    }
    if (Shelf::holds(channel)) {
        note_retained(process, channel);
        return;
    }
    const bool is_acknowledged = published.outcome == mesh::PublishOutcome::kAccepted;
    accepted_.push_back(
        {process.oid, host, published.n, channel, now(), asked, is_acknowledged ? published.copies : 0});
    if (options_.histories) {
        annals_.note(process, local_time(process, now()), accepted_.back());
    }
}

void World::to_shard(HostId host, Process& process, mesh::ShardIndex shard, const mesh::ToShard& message) {
    if (options_.histories && shard == Roamers::kShard) {
        roamers_.to_shard(host, process, message);
        return;
    }
    const auto accuse = [&](const std::string& what) { violation(what + " (" + name_of(process.oid) + ")"); };
    // A confirmation with members belongs to a presence channel, a confirmation of a cache channel to the shelf, and
    // any other to the edge.
    if (const auto* subscribed = std::get_if<mesh::Subscribed>(&message);
        subscribed != nullptr && subscribed->members) {
        process.roster.on_subscribed(now(), shard, *subscribed, asking(host), accuse);
    } else if (const auto* joined = std::get_if<mesh::MemberJoined>(&message)) {
        process.roster.on_joined(now(), shard, *joined, accuse);
    } else if (const auto* changed = std::get_if<mesh::MemberChanged>(&message)) {
        if (process.roster.on_changed(shard, *changed, accuse)) {
            check_flap(process, *changed);
        }
    } else if (subscribed != nullptr && Shelf::holds(subscribed->channel)) {
        on_retained(process, shard, *subscribed);
    } else if (subscribed != nullptr) {
        for (const Client* client : process.edge.on_subscribed(now(), shard, *subscribed)) {
            if (confirmed_) {
                confirmed_(host, client->channel);
            }
        }
    } else if (const auto* published = std::get_if<mesh::Published>(&message)) {
        on_published(host, process, *published);
    } else if (const auto* last = std::get_if<mesh::RetainedFound>(&message)) {
        process.shelf.on_last(shard, *last);
    } else if (const auto* result = std::get_if<mesh::QueryResult>(&message); result != nullptr && result->history) {
        const auto asked = process.history_asked.extract(result->id);
        annals_.judge(process, asked.mapped().first, asked.mapped().second, *result);
    } else if (result != nullptr) {
        const auto asked = process.retained_asked.extract(result->id);
        process.retained_found[asked.mapped()] =
            result->retained.empty() ? mesh::Stamp{} : result->retained.front().second.stamp;
    } else if (const auto* query = std::get_if<mesh::LocalQuery>(&message)) {
        input(host, mesh::PortInput{shard, mesh::LocalAnswer{query->token, {}, true}});
    } else {
        to_clerk(host, process, message);
    }
}

}  // namespace tulle::sim
