#include "mesh/core/session/unmet.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/core/session/seeds.hpp"

namespace tulle::mesh {
namespace {

/// Peers explained in a line of the log. Further peers are only counted, so the line stays readable.
constexpr std::size_t kReasonsTold = 5;
/// Between two looks for peers that are not met.
constexpr Duration kLook = 1s;

/// The first `kReasonsTold` texts, and the number of the others.
std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (std::size_t i = 0; i < std::min(texts.size(), kReasonsTold); ++i) {
        all += (i == 0 ? "" : "; ") + texts[i];
    }
    return all + (texts.size() > kReasonsTold ? "; and " + std::to_string(texts.size() - kReasonsTold) + " more" : "");
}

std::string place_of(const SeedView& seed) {
    return seed.endpoint + (seed.name.empty() ? "" : ", an address of " + seed.name);
}

}  // namespace

const char* to_text(Unmet reason) {
    switch (reason) {
        case Unmet::kWaiting:
            return "waiting";
        case Unmet::kNoAddress:
            return "no-address";
        case Unmet::kUnreachable:
            return "unreachable";
        case Unmet::kClosed:
            return "closed";
        case Unmet::kWrongPort:
            return "wrong-port";
        case Unmet::kSilent:
            return "silent";
        case Unmet::kCluster:
            return "cluster";
        case Unmet::kProtocol:
            return "protocol";
        case Unmet::kName:
            return "name";
        case Unmet::kFull:
            return "full";
        case Unmet::kKey:
            return "key";
        case Unmet::kHandshake:
            return "handshake";
        case Unmet::kDead:
            return "dead";
        case Unmet::kLeft:
            return "left";
    }
    return "?";
}

const char* phrase(Unmet reason) {
    switch (reason) {
        case Unmet::kWaiting:
            return "has not answered yet";
        case Unmet::kNoAddress:
            return "the name has no address";
        case Unmet::kUnreachable:
            return "cannot be connected to";
        case Unmet::kClosed:
            return "nobody listens there";
        case Unmet::kWrongPort:
            return "takes connections and speaks no mesh protocol: is this the mesh port?";
        case Unmet::kSilent:
            return "answers nothing";
        case Unmet::kCluster:
            return "refuses this node, for its cluster";
        case Unmet::kProtocol:
            return "refuses this node, for its protocol";
        case Unmet::kName:
            return "refuses this node, as another one holds its name";
        case Unmet::kFull:
            return "refuses this node, as it knows as many nodes as it may";
        case Unmet::kKey:
            return "refuses this node, for its key";
        case Unmet::kHandshake:
            return "its node is joining";
        case Unmet::kDead:
            return "its node is dead";
        case Unmet::kLeft:
            return "its node has left";
    }
    return "?";
}

Unmet unmet_of(RefusalReason reason) {
    switch (reason) {
        case RefusalReason::kCluster:
            return Unmet::kCluster;
        case RefusalReason::kProtocol:
            return Unmet::kProtocol;
        case RefusalReason::kNameTaken:
            return Unmet::kName;
        case RefusalReason::kFull:
            return Unmet::kFull;
        case RefusalReason::kKey:
            return Unmet::kKey;
    }
    return Unmet::kSilent;
}

bool is_refusal(Unmet reason) {
    return reason == Unmet::kCluster || reason == Unmet::kProtocol || reason == Unmet::kName ||
           reason == Unmet::kFull || reason == Unmet::kKey;
}

void UnmetNotices::tick(Instant now, const Seeds& seeds, bool alone, Effects& out) {
    if (!table_.is_dialling() || !seeds.is_missing_any()) {
        lonely_at_.reset();
        look_at_.reset();
    } else if (alone) {
        look_at_.reset();
        tell_lonely(now, seeds, out);
    } else {
        lonely_at_.reset();
        tell_each_reason(now, seeds, out);
    }
}

void UnmetNotices::tell_lonely(Instant now, const Seeds& seeds, Effects& out) {
    TULLE_ASSERT(!look_at_);
    if (!lonely_at_) {
        lonely_at_ = now + table_.timing().lonely_notice;
    }
    if (now < *lonely_at_) {
        return;
    }
    // The second line comes later than the first, as the log would fill otherwise.
    lonely_at_ = now + table_.timing().refusal_notice;
    std::vector<std::string> reasons;
    for (const SeedView& seed : seeds.views()) {
        reasons.push_back(place_of(seed) + " (" + seed.text + ")");
        // The next line of a node that is not alone any more need not repeat the reason at once.
        if (seed.state == SeedView::State::kUnmet) {
            told_at_[seed.reason] = now;
        }
    }
    if (const std::size_t peers = seeds.configured(); peers > 0) {
        out.push_back(Notice{
            Severity::kWarn,
            "this node is alone, without any of its " + std::to_string(peers) + " configured peers: " + joined(reasons),
            EventKind::kUnmet});
    }
}

void UnmetNotices::tell_each_reason(Instant now, const Seeds& seeds, Effects& out) {
    TULLE_ASSERT(!lonely_at_);
    if (now < look_at_.value_or(now)) {
        return;
    }
    look_at_ = now + kLook;
    std::map<Unmet, std::vector<std::string>> by_reason;
    for (const SeedView& seed : seeds.views()) {
        const bool is_told_elsewhere = is_refusal(seed.reason) || seed.reason == Unmet::kLeft;
        if (seed.state != SeedView::State::kUnmet || is_told_elsewhere || !seed.since ||
            now - *seed.since < table_.timing().lonely_notice) {
            continue;
        }
        by_reason[seed.reason].push_back(place_of(seed) + " (" + seed.text + "; for " +
                                         std::to_string((now - *seed.since) / 1s) + " s, " +
                                         std::to_string(seed.attempts) + " attempts)");
    }
    for (const auto& [reason, peers] : by_reason) {
        const auto told = told_at_.find(reason);
        if (told != told_at_.end() && now - told->second < table_.timing().refusal_notice) {
            continue;
        }
        told_at_[reason] = now;
        out.push_back(Notice{Severity::kWarn,
                             (peers.size() == 1 ? "a configured peer is not met: "
                                                : std::to_string(peers.size()) + " configured peers are not met: ") +
                                 joined(peers),
                             EventKind::kUnmet});
    }
}

Instant UnmetNotices::first_deadline(Instant next) const {
    return std::min({next, lonely_at_.value_or(next), look_at_.value_or(next)});
}

}  // namespace tulle::mesh
