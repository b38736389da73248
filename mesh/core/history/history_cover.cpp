#include "mesh/core/history/history_cover.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "mesh/core/history/history_page.hpp"
#include "mesh/core/node/rendezvous.hpp"

namespace tulle::mesh {
namespace {

/// Among members that disagree for longer there may be members that this node has never met.
constexpr Duration kAgreement = 5s;
/// The clock of a message that was lost may be ahead of the clock here by the way of a heartbeat, which is shorter than
/// the silence of a suspect (Timing::suspicion).
constexpr Duration kClockSlack = 1s;
static_assert(kClockSlack >= Timing{}.suspicion);

bool keeps(OriginId self, const std::vector<OriginId>& members, const std::string& channel) {
    const std::vector<OriginId> named = keepers(members, channel, kKeepers);
    return std::find(named.begin(), named.end(), self) != named.end();
}

}  // namespace

bool HistoryCover::is_explained(std::uint64_t digest) const {
    for (const OriginId oid : members_) {
        digest ^= oid.value;
    }
    // The member lacks those in `digest`, or sees them still.
    return digest == 0 || std::any_of(seen_.begin(), seen_.end(), [&](OriginId one) {
               const OriginId other{digest ^ one.value};
               return other == OriginId{} || std::binary_search(seen_.begin(), seen_.end(), other);
           });
}

void HistoryCover::set_members(Instant now, std::vector<OriginId> others, bool is_broken) {
    others.push_back(self_);
    std::sort(others.begin(), others.end());
    members_ = std::move(others);
    std::vector<OriginId> all;
    std::set_union(seen_.begin(), seen_.end(), members_.begin(), members_.end(), std::back_inserter(all));
    seen_ = std::move(all);
    changed_at_ = is_changing_ ? changed_at_ : now;
    is_changing_ = true;
    // Usually a doubt is this change, seen by another member a moment earlier.
    doubted_ = doubted_ != 0 && is_explained(doubted_) ? 0 : doubted_;
    if (is_broken) {
        epochs_.clear();
    } else if (!epochs_.empty()) {
        epochs_.back().seen = seen_;
    }
}

void HistoryCover::hear(Instant now, std::uint64_t digest) {
    if (is_explained(digest)) {
        return;
    }
    changed_at_ = is_changing_ ? changed_at_ : now;
    is_changing_ = true;
    doubted_ = digest;
}

void HistoryCover::agree(Instant now, std::uint64_t clock_us) {
    if (!std::exchange(is_changing_, false)) {
        return;
    }
    if (std::exchange(doubted_, 0) != 0 || now - changed_at_ > kAgreement) {
        epochs_.clear();
    }
    seen_ = members_;
    epochs_.push_back({clock_us, members_});
    if (epochs_.size() > kMaxEpochs) {
        epochs_.pop_front();
    }
}

void HistoryCover::lose(std::uint64_t clock_us) {
    lost_us_ = std::max(lost_us_, clock_us + static_cast<std::uint64_t>(kClockSlack / 1us));
}

std::uint64_t HistoryCover::since_us(Instant now, const std::string& channel) const {
    if (doubted_ != 0 || (is_changing_ && now - changed_at_ > kAgreement)) {
        return kNeverWhole;
    }
    std::uint64_t since = kNeverWhole;
    for (auto epoch = epochs_.rbegin(); epoch != epochs_.rend() && keeps(self_, epoch->seen, channel); ++epoch) {
        since = epoch->agreed_us;
    }
    return since == kNeverWhole ? since : std::max(since, lost_us_);
}

}  // namespace tulle::mesh
