#include <algorithm>
#include <utility>

#include "mesh/core/membership.hpp"

/// Where a node knocks to find the others: the configured endpoints, and every address of the configured names.
namespace tulle::mesh {
namespace {

constexpr std::size_t kReasonsTold = 5;

}  // namespace

Membership::Seed& Membership::add_seed(std::string endpoint, std::string name) {
    Seed& seed = seeds_.emplace_back();
    seed.endpoint = std::move(endpoint);
    seed.name = std::move(name);
    seed.nonce = secret() | 1;
    return seed;
}

void Membership::start_seed(Instant now, Seed& seed, Effects& out) {
    if (seed.endpoint == options_.endpoints.control) {
        seed.is_self = true;
        return;
    }
    gate_.expect_seed(now, seed.endpoint);
    dial_seed(now, seed, out);
}

void Membership::close_seed(Seed& seed, Effects& out) {
    if (seed.link) {
        out.push_back(CloseLink{*seed.link});
    }
    seed.link.reset();
    seed.up = false;
    seed.knock_at.reset();
    seed.give_up_at.reset();
    seed.redial_at.reset();
}

void Membership::knock(Instant now, Seed& seed, Effects& out) {
    seed.knock_at = now + options_.timing.hello_retry;
    Knock body{.who = introduction(), .dialled = seed.endpoint, .nonce = seed.nonce};
    out.push_back(SendControl{*seed.link, {.src = options_.oid, .dst = {}, .tag = {}, .body = std::move(body)}});
}

void Membership::dial_seed(Instant now, Seed& seed, Effects& out) {
    seed.redial_at.reset();
    seed.seen = "cannot be connected to";
    seed.link = fresh_link();
    seed.give_up_at = now + options_.timing.handshake;
    out.push_back(OpenLink{*seed.link, seed.endpoint});
    out.push_back(CheckEndpoint{*seed.link, seed.endpoint});
}

void Membership::seed_failed(Instant now, Seed& seed, std::string why, Effects& out) {
    changed_ = true;  // whether it is to be dialled again is for the next look to say
    seed.failure = std::move(why);
    seed.is_self = false;
    seed.self_again_at.reset();
    close_seed(seed, out);
    seed.backoff = std::clamp(2 * seed.backoff, options_.timing.redial_min, options_.timing.redial_seed_max);
    seed.redial_at = now + jittered(seed.backoff);
}

void Membership::seed_answered(Seed& seed, OriginId oid, Effects& out) {
    const Peer* peer = find(oid);
    close_seed(seed, out);
    seed.oid = oid;
    seed.backoff = {};
    seed.is_self = false;
    seed.self_again_at.reset();
    seed.failure.clear();
    seed.met = seed.met || (peer != nullptr && peer->in_session());  // that node has more than one address
    gate_.seed_settled(seed.endpoint);
}

void Membership::seed_is_self(Instant now, Seed& seed, Effects& out) {
    seed.is_self = true;
    seed.oid.reset();
    seed.self_again_at = now + options_.timing.redial_self;
    close_seed(seed, out);
    gate_.seed_settled(seed.endpoint);
}

void Membership::tick_seed(Instant now, Seed& seed, Effects& out) {
    if (!dialling_) {
        return;
    }
    if (seed.is_self && !seed.link) {
        tick_self_seed(now, seed, out);
        return;
    }
    const Peer* peer = seed.oid ? find(*seed.oid) : nullptr;
    const bool covered = peer != nullptr && (peer->in_session() || peer->state == PeerState::kJoining);
    if (covered) {
        seed.redial_at.reset();
    } else if (!seed.link && !seed.redial_at) {
        seed.backoff = {};
        seed.redial_at = now + jittered(options_.timing.redial_min);
    }
    if (seed.give_up_at && *seed.give_up_at <= now) {
        seed_failed(now, seed, std::string(seed.seen), out);
    } else if (seed.knock_at && *seed.knock_at <= now) {
        knock(now, seed, out);
    } else if (seed.redial_at && *seed.redial_at <= now) {
        dial_seed(now, seed, out);
    }
}

void Membership::tick_self_seed(Instant now, Seed& seed, Effects& out) {
    if (!seed.self_again_at || now < *seed.self_again_at) {
        return;
    }
    seed.self_again_at = now + options_.timing.redial_self;
    if (!has_session()) {
        dial_seed(now, seed, out);
    }
}

void Membership::tick_name(Instant now, SeedName& name, Effects& out) {
    if (dialling_ && name.ask_at && *name.ask_at <= now) {
        name.ask_at.reset();
        out.push_back(ResolveName{name.name});
    }
}

void Membership::on_name_resolved(Instant now, const NameResolved& resolved, Effects& out) {
    const auto name =
        std::find_if(names_.begin(), names_.end(), [&](const SeedName& known) { return known.name == resolved.name; });
    if (name == names_.end() || name->ask_at || !dialling_) {
        return;
    }
    changed_ = true;
    const bool failed = resolved.endpoints.empty();
    name->ask_at = now + jittered(failed ? options_.timing.resolve_retry : options_.timing.resolve_again);
    name->failure = failed ? "the name has no address: " + resolved.error : "";
    if (failed) {
        return;  // the addresses that it had stay: a name server may be away for a while
    }
    std::vector<std::string> endpoints = resolved.endpoints;
    std::sort(endpoints.begin(), endpoints.end());
    endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
    for (Seed& seed : seeds_) {  // first, so that those that are still given are not the ones to make room
        if (std::binary_search(endpoints.begin(), endpoints.end(), seed.endpoint)) {
            seed.resolved_at = now;
        }
    }
    bool all = true;
    for (const std::string& endpoint : endpoints) {
        all = take_address(now, name->name, endpoint, out) && all;
    }
    if (!all && !std::exchange(name->overflowed, true)) {
        out.push_back(Notice{Severity::kWarn, "the name in the peer " + name->name + " has " +
                                                  std::to_string(endpoints.size()) +
                                                  " addresses: not all are dialled, the nodes there name the others"});
    }
    drop_old_addresses(now, name->name, out);
    gate_.seed_settled(name->name);
}

bool Membership::take_address(Instant now, const std::string& name, const std::string& endpoint, Effects& out) {
    std::size_t named = 0;
    std::size_t of_name = 0;
    auto oldest = seeds_.end();
    for (auto seed = seeds_.begin(); seed != seeds_.end(); ++seed) {
        if (seed->endpoint == endpoint) {
            return true;
        }
        named += seed->name.empty() ? 0u : 1u;
        if (seed->name == name) {
            ++of_name;
            oldest = oldest == seeds_.end() || seed->resolved_at < oldest->resolved_at ? seed : oldest;
        }
    }
    if (of_name >= options_.limits.addresses_per_name || named >= options_.limits.named_seeds) {
        if (oldest == seeds_.end() || oldest->resolved_at == now) {
            return false;
        }
        close_seed(*oldest, out);
        gate_.seed_settled(oldest->endpoint);
        seeds_.erase(oldest);
    }
    Seed& seed = add_seed(endpoint, name);
    seed.resolved_at = now;
    start_seed(now, seed, out);
    return true;
}

void Membership::drop_old_addresses(Instant now, const std::string& name, Effects& out) {
    std::erase_if(seeds_, [&](Seed& seed) {
        if (seed.name != name || now - seed.resolved_at < options_.timing.resolved_for) {
            return false;
        }
        close_seed(seed, out);
        gate_.seed_settled(seed.endpoint);
        return true;
    });
}

Membership::Seed* Membership::seed_of(LinkId link) {
    const auto found = std::find_if(seeds_.begin(), seeds_.end(), [&](const Seed& seed) { return seed.link == link; });
    return found == seeds_.end() ? nullptr : &*found;
}

bool Membership::has_session() const {
    return std::any_of(peers_.begin(), peers_.end(), [](const auto& entry) { return entry.second.in_session(); });
}

void Membership::note_lonely(Instant now, bool alone, Effects& out) {
    if (!alone || !dialling_ || (seeds_.empty() && names_.empty())) {
        lonely_at_.reset();
        return;
    }
    if (!lonely_at_) {
        lonely_at_ = now + options_.timing.lonely_notice;
    }
    if (now < *lonely_at_) {
        return;
    }
    lonely_at_ = now + options_.timing.refusal_notice;
    if (const std::size_t peers = configured(); peers > 0) {
        out.push_back(Notice{Severity::kWarn, "this node is alone, without any of its " + std::to_string(peers) +
                                                  " configured peers: " + why_lonely()});
    }
}

std::string Membership::why_lonely() const {
    std::vector<std::string> reasons;
    for (const SeedName& name : names_) {
        if (!name.failure.empty() || !name.ask_at) {
            reasons.push_back(name.name + " (" + (name.failure.empty() ? "the name is being looked up" : name.failure) +
                              ")");
        }
    }
    for (const Seed& seed : seeds_) {
        const Peer* peer = seed.oid ? find(*seed.oid) : nullptr;
        std::string why = seed.failure;
        if (seed.is_self) {
            why = "is this node itself";
        } else if (why.empty()) {
            why = peer != nullptr ? std::string("its node is ") + to_text(peer->state) : "has not answered yet";
        }
        reasons.push_back(seed.endpoint + (seed.name.empty() ? " (" : ", an address of " + seed.name + " (") + why +
                          ")");
    }
    std::string text;
    for (std::size_t i = 0; i < std::min(reasons.size(), kReasonsTold); ++i) {
        text += (i == 0 ? "" : "; ") + reasons[i];
    }
    return text +
           (reasons.size() > kReasonsTold ? "; and " + std::to_string(reasons.size() - kReasonsTold) + " more" : "");
}

}  // namespace tulle::mesh
