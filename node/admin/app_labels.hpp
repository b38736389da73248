#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "node/pusher/core/app_sums.hpp"

namespace tulle::node {

/// Decides which apps have a label of their own in the metrics: the kMost apps with the most connections. All other
/// apps are added up under kOther.
///
/// An app may lose its label to a larger app, and get the label back. What an app has counted while it had a label
/// stays with the label, and the rest with kOther, so that no counter of any label ever falls.
///
/// Thread: confined to its owner.
/// Limits: kMost labels, whatever the number of apps. An app whose id is kOther never has a label of its own.
/// Errors: none but std::bad_alloc.
class AppLabels {
public:
    static constexpr std::size_t kMost = 50;
    static constexpr const char* kOther = "other";

    /// A label with its numbers: the connections of now, and what was counted under the label since the start.
    struct Line {
        std::string label;
        AppSums sums;
        friend bool operator==(const Line&, const Line&) = default;
    };

    /// Takes in the present sums of the node and returns the labels, in the order of the ids; kOther comes last, if any
    /// app has ever been without a label. A sum must not fall, connections excepted, and no app may be left out later.
    [[nodiscard]] std::vector<Line> take(const AppSumsById& sums);

private:
    /// An app at the last call of take().
    struct Account {
        AppSums seen;
        /// What was counted while the app had a label.
        AppSums own;
        bool is_labelled = false;
    };

    /// Gives the labels to the apps that are to have one now.
    void give_labels(const AppSumsById& sums);

    std::map<std::string, Account, std::less<>> accounts_;
    AppSums other_;
    bool has_other_ = false;
};

}  // namespace tulle::node
