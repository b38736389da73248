#include "node/admin/app_labels.hpp"

#include <algorithm>
#include <tuple>

#include "mesh/base/assert.hpp"

namespace tulle::node {
namespace {

/// Adds to `to` what has been counted from `before` to `now`.
void add_growth(const AppSums& before, const AppSums& now, AppSums& to) {
    to.received += now.received - before.received;
    to.published += now.published - before.published;
}

}  // namespace

void AppLabels::give_labels(const AppSumsById& sums) {
    // A place of the ranking: the smallest comes first. Among equals an app keeps its label, so that labels rest.
    using Rank = std::tuple<std::uint64_t, bool, std::uint64_t, std::string_view>;
    std::vector<Rank> ranks;
    for (const auto& [app, sum] : sums) {
        Account& account = accounts_[app];
        if (app != kOther) {
            ranks.emplace_back(~sum.connections, !account.is_labelled, ~(sum.received + sum.published), app);
        }
        account.is_labelled = false;
    }
    const std::size_t count = std::min(kMost, ranks.size());
    std::partial_sort(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(count), ranks.end());
    for (std::size_t i = 0; i < count; ++i) {
        accounts_.find(std::get<std::string_view>(ranks[i]))->second.is_labelled = true;
    }
}

std::vector<AppLabels::Line> AppLabels::take(const AppSumsById& sums) {
    give_labels(sums);
    std::vector<Line> lines;
    other_.connections = 0;
    for (const auto& [app, sum] : sums) {
        Account& account = accounts_[app];
        AppSums& target = account.is_labelled ? account.own : other_;
        add_growth(account.seen, sum, target);
        account.seen = sum;
        if (account.is_labelled) {
            account.own.connections = sum.connections;
            lines.push_back({app, account.own});
        } else {
            other_.connections += sum.connections;
            has_other_ = true;
        }
    }
    TULLE_ASSERT(lines.size() <= kMost);
    if (has_other_) {
        lines.push_back({kOther, other_});
    }
    return lines;
}

}  // namespace tulle::node
