#include <algorithm>
#include <string_view>
#include <utility>

#include "mesh/core/membership.hpp"

/// Who refuses whom. A refusal counts only when it answers what we have sent there: else anybody could bar a node.
namespace tulle::mesh {
namespace {

constexpr std::string_view kNameRefused = "refuses this node, as another one holds its name";

}  // namespace

void Membership::on_refuse(Instant now, OriginId from, const Refuse& refuse, Effects& out) {
    Seed* seed = refused_seed(refuse);
    if (seed == nullptr && !is_refused_by(from, refuse)) {
        ++counters_.stale;
        return;
    }
    const Peer* peer = find(from);
    const std::string who = peer != nullptr ? peer->name : to_hex(from);
    if (refuse.reason == RefusalReason::kNameTaken && !ready_) {
        on_refused_name(now, who, refuse, out);
    }
    const std::string endpoint = seed != nullptr ? seed->endpoint : peer->endpoints.control;
    if (peer == nullptr || !peer->in_session()) {
        replace_at(now, endpoint, out);  // it has got what we sent there, so whoever was there before has gone
    }
    note_refusal(now, {.by_us = false, .name = who, .endpoint = endpoint, .reason = refuse.reason, .text = refuse.text},
                 out);
    if (refuse.reason == RefusalReason::kNameTaken) {
        for (Seed& asked : seeds_) {
            if (&asked == seed || asked.oid == from) {
                asked.seen = kNameRefused;
                asked.failure = kNameRefused;
            }
        }
        return;
    }
    if (seed == nullptr) {
        return;
    }
    seed->refused = true;
    refused_until_ = now + options_.timing.refusal_memory;
    gate_.seed_settled(seed->endpoint);
    const Duration backoff = seed->backoff;
    seed_failed(now, *seed, std::string("refuses this node, for its ") + to_text(refuse.reason), out);
    seed->backoff = std::clamp(2 * backoff, options_.timing.redial_min, options_.timing.redial_refused_max);
    seed->redial_at = now + jittered(seed->backoff);
}

void Membership::on_refused_name(Instant now, const std::string& who, const Refuse& refuse, Effects& out) {
    barred_until_ = now + options_.timing.name_memory;
    name_refused_since_ = name_refused_since_.value_or(now);
    if (now - *name_refused_since_ >= options_.timing.name_patience) {
        out.push_back(Fatal{"refused by " + who + ": " + refuse.text});
    }
}

Membership::Seed* Membership::refused_seed(const Refuse& refuse) {
    const auto found =
        std::find_if(seeds_.begin(), seeds_.end(), [&](const Seed& seed) { return seed.nonce == refuse.echo; });
    return found == seeds_.end() ? nullptr : &*found;
}

bool Membership::is_refused_by(OriginId from, const Refuse& refuse) const {
    const Peer* peer = find(from);
    return peer != nullptr && peer->named_by != OriginId{} && refuse.echo != 0 && peer->local_tag.value == refuse.echo;
}

bool Membership::is_refused() const {
    // Somebody has taken us in and says nothing else since: that nobody is there now is no refusal.
    const bool accepted =
        std::any_of(seeds_.begin(), seeds_.end(), [](const Seed& seed) { return seed.met && !seed.refused; });
    return refused_until_ && !accepted &&
           std::none_of(peers_.begin(), peers_.end(), [](const auto& entry) { return entry.second.in_session(); });
}

std::size_t Membership::configured() const {
    const auto seeds = std::count_if(seeds_.begin(), seeds_.end(), [](const Seed& seed) { return !seed.is_self; });
    const auto names = std::count_if(names_.begin(), names_.end(), [this](const SeedName& name) {
        return std::none_of(seeds_.begin(), seeds_.end(), [&name](const Seed& seed) { return seed.name == name.name; });
    });
    return static_cast<std::size_t>(seeds + names);
}

std::size_t Membership::met() const {
    return static_cast<std::size_t>(
        std::count_if(seeds_.begin(), seeds_.end(), [](const Seed& seed) { return seed.met; }));
}

bool Membership::is_configured(const Peer& peer) const {
    return std::any_of(seeds_.begin(), seeds_.end(), [&](const Seed& seed) {
        return seed.oid == peer.oid || seed.endpoint == peer.endpoints.control;
    });
}

/// To one endpoint at a time: it says itself where it is, and that need not be true.
void Membership::refuse(Instant now, OriginId to, const Introduction& who, std::uint64_t echo, Refuse message,
                        Effects& out) {
    const std::string& endpoint = who.endpoints.control;
    const bool under_way = std::any_of(refusals_.begin(), refusals_.end(),
                                       [&](const Refusal& r) { return r.to == to || r.endpoint == endpoint; });
    const bool foreign = message.reason == RefusalReason::kCluster;
    const auto strangers =
        static_cast<std::size_t>(std::count_if(refusals_.begin(), refusals_.end(), [](const Refusal& r) {
            return r.message.reason == RefusalReason::kCluster;
        }));
    if (under_way || refusals_.size() >= options_.limits.refusals ||
        (foreign && strangers >= options_.limits.refusals_foreign)) {
        return;
    }
    ++counters_.refused;
    note_refusal(
        now, {.by_us = true, .name = who.name, .endpoint = endpoint, .reason = message.reason, .text = message.text},
        out);
    message.echo = echo;
    const LinkId link = fresh_link();
    out.push_back(OpenLink{link, endpoint});
    refusals_.push_back({link, std::move(message), to, now + options_.timing.handshake, endpoint});
}

void Membership::note_refusal(Instant now, Refused what, Effects& out) {
    auto known = std::find_if(refused_.begin(), refused_.end(), [&](const Refused& r) {
        return r.by_us == what.by_us && r.endpoint == what.endpoint && r.reason == what.reason;
    });
    const bool flooded = refused_.size() >= options_.limits.refusals_kept &&
                         now - refused_.front().last < options_.timing.refusal_notice;
    if (known == refused_.end()) {
        if (refused_.size() >= options_.limits.refusals_kept) {
            refused_.erase(refused_.begin());
        }
        what.noticed = Instant{};
    } else {
        what.count = known->count;
        what.noticed = known->noticed;
        refused_.erase(known);
    }
    ++what.count;
    what.last = now;
    const bool is_first = what.noticed == Instant{};
    if ((is_first && !flooded) || (!is_first && now - what.noticed >= options_.timing.refusal_notice)) {
        what.noticed = now;
        const std::string who = what.by_us ? "refused a newcomer, " + what.name + " at " + what.endpoint
                                           : "refused by " + what.name + " at " + what.endpoint;
        out.push_back(
            Notice{Severity::kWarn, who + ", for its " + to_text(what.reason) + ": " + what.text +
                                        (what.count > 1 ? " (" + std::to_string(what.count) + " times)" : "")});
    }
    refused_.push_back(std::move(what));
}

}  // namespace tulle::mesh
