#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"

namespace tulle::node {

/// Keeps the first `limit` of any number of rows, in an order.
///
/// Cost:   add is O(1) on average, whatever the number of rows; take is O(limit · log limit).
/// Memory: twice `limit` rows.
template <class Row>
class FirstRows {
public:
    using Before = std::function<bool(const Row&, const Row&)>;
    /// `before`: a total order. REQUIRES: `limit` is not 0.
    FirstRows(std::size_t limit, Before before) : limit_(limit), before_(std::move(before)) {
        TULLE_ASSERT(limit_ > 0);
    }

    void add(Row row) {
        ++added_;
        rows_.push_back(std::move(row));
        if (rows_.size() >= 2 * limit_) {
            cut();
        }
    }
    /// The rows that have been added, kept or not.
    [[nodiscard]] std::size_t added() const { return added_; }
    /// The first rows, in order. The object is used up.
    [[nodiscard]] std::vector<Row> take() {
        cut();
        TULLE_ASSERT(rows_.size() <= limit_ && rows_.size() <= added_);
        std::sort(rows_.begin(), rows_.end(), before_);
        return std::move(rows_);
    }

private:
    void cut() {
        if (rows_.size() > limit_) {
            const auto end = rows_.begin() + static_cast<std::ptrdiff_t>(limit_);
            std::nth_element(rows_.begin(), end, rows_.end(), before_);
            rows_.erase(end, rows_.end());
        }
    }

    const std::size_t limit_;
    const Before before_;
    std::size_t added_ = 0;
    std::vector<Row> rows_;
};

}  // namespace tulle::node
