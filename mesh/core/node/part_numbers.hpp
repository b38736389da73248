#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

namespace tulle::mesh {

/// Which parts of an answer have come. A sender numbers the parts from 1 and marks the last one. Parts may be lost,
/// come twice, and come in any order.
///
/// Limits: `most` parts. An answer of more never counts as complete.
class PartNumbers {
public:
    explicit PartNumbers(std::size_t most) : most_(most) {}

    /// Notes a part. False when the part has come before, or when no further part may come.
    bool note(std::uint32_t part, bool is_last) {
        if (seen_.size() >= most_ || !seen_.insert(part).second) {
            return false;
        }
        last_ = is_last ? part : last_;
        return true;
    }
    /// True when the last part and all parts before have come.
    [[nodiscard]] bool is_complete() const { return last_ != 0 && seen_.size() >= last_; }

private:
    std::size_t most_;
    std::set<std::uint32_t> seen_;
    /// The number of the last part, once that has come.
    std::uint32_t last_ = 0;
};

}  // namespace tulle::mesh
