#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace tulle {

/// A number with a meaning. Numbers with different tags do not convert into each other, so two meanings never mix by
/// accident. Regular, ordered, hashable.
template <class Tag, class Rep>
struct Strong {
    Rep value{};

    constexpr Strong() = default;
    constexpr explicit Strong(Rep v) : value(v) {}

    friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

    /// The number after this number, or `k` after. Overflow wraps for unsigned numbers; callers stay far below
    /// (mesh::kMaxNumber).
    [[nodiscard]] constexpr Strong next() const { return Strong{static_cast<Rep>(value + 1)}; }
    [[nodiscard]] constexpr Strong plus(Rep k) const { return Strong{static_cast<Rep>(value + k)}; }
};

}  // namespace tulle

template <class Tag, class Rep>
struct std::hash<tulle::Strong<Tag, Rep>> {
    std::size_t operator()(const tulle::Strong<Tag, Rep>& s) const noexcept { return std::hash<Rep>{}(s.value); }
};
