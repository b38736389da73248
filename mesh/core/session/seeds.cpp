#include "mesh/core/session/seeds.hpp"

#include <algorithm>
#include <utility>

// How a node finds the others. Each seed goes round a circle: dial, knock until a Hello or a refusal comes, rest while
// the answering node is in session, dial again when that node is lost. Failed attempts repeat with pauses from
// `redial_min` to `redial_seed_max`, as a seed may start later than this node.
//
// A seed may be this node itself (a shared list of peers, or a balancer in front of all nodes). The node notices when
// its own knock comes back; such a seed is tried again only while the node is alone. A name stands for all its
// addresses and is looked up again regularly, as nodes may start under the name later.
namespace tulle::mesh {

Seed& Seeds::add_seed(std::string endpoint, std::string name) {
    Seed& seed = seeds_.emplace_back();
    seed.endpoint = std::move(endpoint);
    seed.name = std::move(name);
    // Zero means "no nonce" in Refuse::echo, so the lowest bit is always set.
    seed.nonce = table_.secret() | 1;
    return seed;
}

void Seeds::start_seed(Instant now, Seed& seed, Effects& out) {
    if (seed.endpoint == table_.options().endpoints.control) {
        seed.is_self = true;
        return;
    }
    seed.unmet_since = now;
    // The node must not serve before this seed has had its chance.
    table_.gate().expect_seed(now, seed.endpoint);
    dial_seed(now, seed, out);
}

void Seeds::close_seed(Seed& seed, Effects& out) {
    if (seed.connection) {
        out.push_back(CloseConnection{*seed.connection});
    }
    seed.connection.reset();
    seed.up = false;
    seed.knock_at.reset();
    seed.give_up_at.reset();
    seed.redial_at.reset();
}

void Seeds::knock(Instant now, Seed& seed, Effects& out) {
    seed.knock_at = now + table_.timing().hello_retry;
    Knock body{.who = table_.introduction(), .dialled = seed.endpoint, .nonce = seed.nonce};
    out.push_back(
        SendControl{*seed.connection, {.src = table_.options().oid, .dst = {}, .tag = {}, .body = std::move(body)}});
}

void Seeds::dial_seed(Instant now, Seed& seed, Effects& out) {
    seed.redial_at.reset();
    seed.seen = Unmet::kUnreachable;
    seed.connection = table_.fresh_connection();
    seed.give_up_at = now + table_.timing().handshake;
    out.push_back(OpenConnection{*seed.connection, seed.endpoint});
    // The check notices a closed port at once; the transport alone would try on in silence.
    out.push_back(CheckEndpoint{*seed.connection, seed.endpoint});
}

void Seeds::seed_failed(Instant now, Seed& seed, Unmet why, Effects& out) {
    // The next look decides whether the seed is dialled again.
    table_.note_change();
    seed.failure = why;
    ++seed.attempts;
    seed.is_self = false;
    seed.self_again_at.reset();
    close_seed(seed, out);
    seed.backoff = std::clamp(2 * seed.backoff, table_.timing().redial_min, table_.timing().redial_seed_max);
    seed.redial_at = now + table_.jittered(seed.backoff);
}

void Seeds::seed_answered(Seed& seed, OriginId oid, Effects& out) {
    const Peer* peer = table_.find(oid);
    close_seed(seed, out);
    seed.oid = oid;
    seed.backoff = {};
    seed.is_self = false;
    seed.self_again_at.reset();
    seed.failure.reset();
    // The node may have more than one address, and be in session already.
    seed.met = seed.met || (peer != nullptr && peer->in_session());
    table_.gate().seed_settled(seed.endpoint);
}

void Seeds::seed_is_self(Instant now, Seed& seed, Effects& out) {
    seed.is_self = true;
    seed.oid.reset();
    seed.self_again_at = now + table_.timing().redial_self;
    close_seed(seed, out);
    table_.gate().seed_settled(seed.endpoint);
}

void Seeds::tick_seed(Instant now, Seed& seed, Effects& out) {
    if (!table_.is_dialling()) {
        return;
    }
    note_session(now, seed);
    // A seed that leads to ourselves has its own, slower circle.
    if (seed.is_self && !seed.connection) {
        tick_self_seed(now, seed, out);
        return;
    }
    const Peer* peer = seed.oid ? table_.find(*seed.oid) : nullptr;
    // The handshake looks after a node that has answered; the seed must not dial the node a second time.
    const bool covered = peer != nullptr && (peer->in_session() || peer->state == PeerState::kJoining);
    if (covered) {
        seed.redial_at.reset();
    } else if (!seed.connection && !seed.redial_at) {
        // The seed's node was lost just now: begin with the shortest pause.
        seed.backoff = {};
        seed.redial_at = now + table_.jittered(table_.timing().redial_min);
    }
    if (seed.give_up_at && *seed.give_up_at <= now) {
        seed_failed(now, seed, seed.seen, out);
    } else if (seed.knock_at && *seed.knock_at <= now) {
        knock(now, seed, out);
    } else if (seed.redial_at && *seed.redial_at <= now) {
        dial_seed(now, seed, out);
    }
}

void Seeds::tick_self_seed(Instant now, Seed& seed, Effects& out) {
    if (!seed.self_again_at || now < *seed.self_again_at) {
        return;
    }
    seed.self_again_at = now + table_.timing().redial_self;
    // A balancer may stand at the endpoint and send the next connection to another node. A node in session needs no
    // such luck.
    if (!table_.has_session()) {
        dial_seed(now, seed, out);
    }
}

void Seeds::tick_name(Instant now, SeedName& name, Effects& out) {
    if (table_.is_dialling() && name.ask_at && *name.ask_at <= now) {
        name.ask_at.reset();
        out.push_back(ResolveName{name.name});
    }
}

void Seeds::on_name_resolved(Instant now, const NameResolved& resolved, Effects& out) {
    const auto name =
        std::find_if(names_.begin(), names_.end(), [&](const SeedName& known) { return known.name == resolved.name; });
    // Nobody has asked for this answer, or the node is leaving.
    if (name == names_.end() || name->ask_at || !table_.is_dialling()) {
        // A name server may be away for a while, so the former addresses stay.
        return;
    }
    table_.note_change();
    const bool failed = resolved.endpoints.empty();
    name->ask_at = now + table_.jittered(failed ? table_.timing().resolve_retry : table_.timing().resolve_again);
    name->failure = failed ? std::string(phrase(Unmet::kNoAddress)) + ": " + resolved.error : "";
    if (failed) {
        name->unmet_since = name->attempts == 0 ? now : name->unmet_since;
        ++name->attempts;
        return;
    }
    name->attempts = 0;
    std::vector<std::string> endpoints = resolved.endpoints;
    std::sort(endpoints.begin(), endpoints.end());
    endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
    // First, so addresses that are still given do not make room for new ones.
    for (Seed& seed : seeds_) {
        if (std::binary_search(endpoints.begin(), endpoints.end(), seed.endpoint)) {
            seed.resolved_at = now;
        }
    }
    bool all = true;
    for (const std::string& endpoint : endpoints) {
        all = take_address(now, name->name, endpoint, out) && all;
    }
    if (!all && !std::exchange(name->overflowed, true)) {
        out.push_back(Notice{Severity::kWarn,
                             "the name in the peer " + name->name + " has " + std::to_string(endpoints.size()) +
                                 " addresses: not all are dialled, the nodes there name the others",
                             EventKind::kUnmet});
    }
    drop_old_addresses(now, name->name, out);
    table_.gate().seed_settled(name->name);
}

bool Seeds::take_address(Instant now, const std::string& name, const std::string& endpoint, Effects& out) {
    std::size_t named = 0;
    std::size_t of_name = 0;
    auto oldest = seeds_.end();
    for (auto seed = seeds_.begin(); seed != seeds_.end(); ++seed) {
        // The address is a seed already, perhaps of another name.
        if (seed->endpoint == endpoint) {
            return true;
        }
        named += seed->name.empty() ? 0u : 1u;
        if (seed->name == name) {
            ++of_name;
            oldest = oldest == seeds_.end() || seed->resolved_at < oldest->resolved_at ? seed : oldest;
        }
    }
    // Full: the address of this name that was given longest ago makes room, unless it was given just now.
    if (of_name >= table_.limits().addresses_per_name || named >= table_.limits().named_seeds) {
        if (oldest == seeds_.end() || oldest->resolved_at == now) {
            return false;
        }
        close_seed(*oldest, out);
        table_.gate().seed_settled(oldest->endpoint);
        seeds_.erase(oldest);
    }
    Seed& seed = add_seed(endpoint, name);
    seed.resolved_at = now;
    start_seed(now, seed, out);
    return true;
}

void Seeds::drop_old_addresses(Instant now, const std::string& name, Effects& out) {
    std::erase_if(seeds_, [&](Seed& seed) {
        if (seed.name != name || now - seed.resolved_at < table_.timing().resolved_for) {
            return false;
        }
        close_seed(seed, out);
        table_.gate().seed_settled(seed.endpoint);
        return true;
    });
}

Seed* Seeds::of(ConnectionId connection) {
    const auto found =
        std::find_if(seeds_.begin(), seeds_.end(), [&](const Seed& seed) { return seed.connection == connection; });
    return found == seeds_.end() ? nullptr : &*found;
}

std::size_t Seeds::configured() const {
    const auto seeds = std::count_if(seeds_.begin(), seeds_.end(), [](const Seed& seed) { return !seed.is_self; });
    const auto names =
        std::count_if(names_.begin(), names_.end(), [this](const SeedName& name) { return !has_address(name); });
    return static_cast<std::size_t>(seeds + names);
}

std::size_t Seeds::met() const {
    return static_cast<std::size_t>(
        std::count_if(seeds_.begin(), seeds_.end(), [](const Seed& seed) { return seed.met; }));
}

bool Seeds::is_configured(const Peer& peer) const {
    return std::any_of(seeds_.begin(), seeds_.end(), [&](const Seed& seed) {
        return seed.oid == peer.oid || seed.endpoint == peer.endpoints.control;
    });
}

Seed* Seeds::refused_seed(const Refuse& refuse) {
    const auto found =
        std::find_if(seeds_.begin(), seeds_.end(), [&](const Seed& seed) { return seed.nonce == refuse.echo; });
    return found == seeds_.end() ? nullptr : &*found;
}

Seeds::Seeds(PeerTable& table) : table_(table) {
    for (const std::string& endpoint : table.options().seeds) {
        add_seed(endpoint, {});
    }
    for (const std::string& name : table.options().seed_names) {
        names_.push_back({.name = name});
    }
}

void Seeds::start(Instant now, Effects& out) {
    for (Seed& seed : seeds_) {
        start_seed(now, seed, out);
    }
    for (SeedName& name : names_) {
        // The node must not serve before the name has had its chance.
        name.unmet_since = now;
        table_.gate().expect_seed(now, name.name);
        out.push_back(ResolveName{name.name});
    }
}

void Seeds::stop(Effects& out) {
    for (Seed& seed : seeds_) {
        close_seed(seed, out);
    }
}

bool Seeds::on_connection_up(Instant now, ConnectionId connection, Effects& out) {
    Seed* seed = of(connection);
    if (seed == nullptr) {
        return false;
    }
    seed->up = true;
    seed->seen = Unmet::kSilent;
    knock(now, *seed, out);
    return true;
}

bool Seeds::on_connection_down(ConnectionId connection) {
    Seed* seed = of(connection);
    if (seed == nullptr) {
        return false;
    }
    seed->up = false;
    seed->knock_at.reset();
    return true;
}

bool Seeds::on_endpoint_checked(Instant now, const EndpointChecked& checked, Effects& out) {
    Seed* seed = of(checked.connection);
    if (seed == nullptr) {
        return false;
    }
    // A closed port is an answer: the join gate need not wait for the seed.
    if (checked.state == EndpointState::kRefused && !seed->up) {
        table_.gate().seed_settled(seed->endpoint);
        seed_failed(now, *seed, Unmet::kClosed, out);
    } else if (checked.state == EndpointState::kOpen && !seed->up) {
        // The port is open, but no mesh connection stands so far. The reason counts only if the attempt fails.
        seed->seen = Unmet::kWrongPort;
    }
    return true;
}

void Seeds::on_own_knock(Instant now, const Knock& knock, Effects& out) {
    for (Seed& seed : seeds_) {
        // The nonce alone is not enough: the same nonce must have gone to this endpoint.
        if (seed.endpoint == knock.dialled && seed.nonce == knock.nonce) {
            seed_is_self(now, seed, out);
        }
    }
}

Seed* Seeds::asked(const Hello& hello) {
    const auto found = std::find_if(seeds_.begin(), seeds_.end(), [&](const Seed& seed) {
        return seed.endpoint == hello.knocked && seed.nonce == hello.echo;
    });
    return found == seeds_.end() ? nullptr : &*found;
}

void Seeds::on_session(const Peer& peer, Effects& out) {
    for (Seed& seed : seeds_) {
        // The peer has dialled us before our own Knock reached it, so no Hello answers the Knock.
        if (seed.endpoint == peer.endpoints.control && seed.oid != peer.oid) {
            seed_answered(seed, peer.oid, out);
        }
        if (seed.oid == peer.oid) {
            seed.met = true;
            seed.refused = false;
            seed.failure.reset();
            seed.unmet_since.reset();
            seed.attempts = 0;
        }
    }
}

void Seeds::on_name_refused(const Seed* seed, OriginId from) {
    for (Seed& asked : seeds_) {
        // Only the log is concerned: the seed goes on knocking, as the name may become free.
        if (&asked == seed || asked.oid == from) {
            asked.seen = Unmet::kName;
            asked.failure = Unmet::kName;
        }
    }
}

void Seeds::on_refused(Instant now, Seed& seed, RefusalReason reason, Effects& out) {
    seed.refused = true;
    table_.gate().seed_settled(seed.endpoint);
    // seed_failed() sets the short pauses of an unanswered seed; a refusal takes longer ones.
    const Duration backoff = seed.backoff;
    seed_failed(now, seed, unmet_of(reason), out);
    seed.backoff = std::clamp(2 * backoff, table_.timing().redial_min, table_.timing().redial_refused_max);
    seed.redial_at = now + table_.jittered(seed.backoff);
}

void Seeds::tick(Instant now, Effects& out) {
    for (Seed& seed : seeds_) {
        tick_seed(now, seed, out);
    }
    for (SeedName& name : names_) {
        tick_name(now, name, out);
    }
}

Instant Seeds::first_deadline(Instant next) const {
    const auto consider = [&next](const std::optional<Instant>& at) { next = std::min(next, at.value_or(next)); };
    const bool dials = table_.is_dialling();
    for (const Seed& seed : seeds_) {
        consider(seed.knock_at);
        consider(seed.give_up_at);
        consider(seed.redial_at);
        consider(dials ? seed.self_again_at : std::nullopt);
    }
    for (const SeedName& name : names_) {
        consider(dials ? name.ask_at : std::nullopt);
    }
    return next;
}

bool Seeds::is_accepted() const {
    return std::any_of(seeds_.begin(), seeds_.end(), [](const Seed& seed) { return seed.met && !seed.refused; });
}

bool Seeds::expects(const std::string& endpoint) const {
    return std::any_of(seeds_.begin(), seeds_.end(), [&](const Seed& seed) { return seed.endpoint == endpoint; }) ||
           std::any_of(names_.begin(), names_.end(), [&](const SeedName& name) { return name.name == endpoint; });
}

}  // namespace tulle::mesh
