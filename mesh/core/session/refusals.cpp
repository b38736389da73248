#include "mesh/core/session/refusals.hpp"

#include <algorithm>
#include <utility>

#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

// The constants of numbers.hpp rely on each other in these ways.
static_assert(Limits{}.refusals_foreign < Limits{}.refusals, "newcomers of the own cluster get their answer");
static_assert(Timing{}.redial_refused_max < Timing{}.refusal_memory, "a refusal is remembered until the next attempt");
static_assert(Timing{}.control_verdict < Timing{}.name_patience, "a name is free again after the verdict");

void Refusals::refuse(Instant now, OriginId to, const Introduction& who, std::uint64_t echo, Refuse message,
                      Effects& out) {
    const std::string& endpoint = who.endpoints.control;
    const bool under_way = std::any_of(refusals_.begin(), refusals_.end(),
                                       [&](const Refusal& r) { return r.to == to || r.endpoint == endpoint; });
    // Strangers of other clusters can't use up the places of our own newcomers.
    const bool foreign = message.reason == RefusalReason::kCluster;
    const auto strangers =
        static_cast<std::size_t>(std::count_if(refusals_.begin(), refusals_.end(), [](const Refusal& r) {
            return r.message.reason == RefusalReason::kCluster;
        }));
    if (under_way || refusals_.size() >= table_.limits().refusals ||
        (foreign && strangers >= table_.limits().refusals_foreign)) {
        return;
    }
    ++table_.counters().refused;
    note(now, {.by_us = true, .name = who.name, .endpoint = endpoint, .reason = message.reason, .text = message.text},
         out);
    message.echo = echo;
    const ConnectionId connection = table_.fresh_connection();
    out.push_back(OpenConnection{connection, endpoint});
    refusals_.push_back({connection, std::move(message), to, now + table_.timing().handshake, endpoint});
}

void Refusals::note(Instant now, Refused what, Effects& out) {
    auto known = std::find_if(refused_.begin(), refused_.end(), [&](const Refused& r) {
        return r.by_us == what.by_us && r.endpoint == what.endpoint && r.reason == what.reason;
    });
    // All places hold recent refusals: somebody sends ever new names. New kinds are then kept, but not logged.
    const bool flooded = refused_.size() >= table_.limits().refusals_kept &&
                         now - refused_.front().last < table_.timing().refusal_notice;
    // The entry moves to the end of the list, so the front is always the oldest.
    if (known == refused_.end()) {
        if (refused_.size() >= table_.limits().refusals_kept) {
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
    if ((is_first && !flooded) || (!is_first && now - what.noticed >= table_.timing().refusal_notice)) {
        what.noticed = now;
        // A node that refuses a key does not say its name, so its endpoint stands for both.
        const std::string whom = what.name == what.endpoint ? what.name : what.name + " at " + what.endpoint;
        const std::string who = (what.by_us ? "refused a newcomer, " : "refused by ") + whom;
        out.push_back(Notice{Severity::kWarn,
                             who + ", for its " + to_text(what.reason) + ": " + what.text +
                                 (what.count > 1 ? " (" + std::to_string(what.count) + " times)" : ""),
                             EventKind::kRefusal});
    }
    refused_.push_back(std::move(what));
}

void Refusals::on_refused_name(Instant now, const std::string& who, const Refuse& refuse, Effects& out) {
    // The former process under our name may just not be found dead yet, so the node asks on for a while before it ends.
    barred_until_ = now + table_.timing().name_memory;
    name_refused_since_ = name_refused_since_.value_or(now);
    if (now - *name_refused_since_ >= table_.timing().name_patience) {
        out.push_back(Fatal{"refused by " + who + ": " + refuse.text});
    }
}

bool Refusals::on_connection_up(Instant now, ConnectionId connection, Effects& out) {
    const auto refusal =
        std::find_if(refusals_.begin(), refusals_.end(), [&](const Refusal& r) { return r.connection == connection; });
    if (refusal == refusals_.end()) {
        return false;
    }
    out.push_back(SendControl{connection,
                              {.src = table_.options().oid, .dst = refusal->to, .tag = {}, .body = refusal->message}});
    // The connection stays open for a moment: the transport needs time to carry the message.
    refusal->give_up_at = now + table_.timing().hello_retry;
    return true;
}

void Refusals::on_session() {
    name_refused_since_.reset();
    // The node that refused us has gone, or was a newcomer itself.
    barred_until_.reset();
    refused_until_.reset();
}

void Refusals::expire(Instant now) {
    if (barred_until_ && *barred_until_ <= now) {
        barred_until_.reset();
        name_refused_since_.reset();
    }
    if (refused_until_ && *refused_until_ <= now) {
        refused_until_.reset();
    }
}

void Refusals::tick(Instant now, Effects& out) {
    std::erase_if(refusals_, [&](const Refusal& refusal) {
        if (refusal.give_up_at > now) {
            return false;
        }
        out.push_back(CloseConnection{refusal.connection});
        return true;
    });
}

Instant Refusals::first_deadline(Instant next) const {
    next = std::min({next, barred_until_.value_or(next), refused_until_.value_or(next)});
    for (const Refusal& refusal : refusals_) {
        next = std::min(next, refusal.give_up_at);
    }
    return next;
}

}  // namespace tulle::mesh
