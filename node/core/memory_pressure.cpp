#include "node/core/memory_pressure.hpp"

namespace tulle::node {
namespace {

/// Divides first: limits are below 2^57 bytes, so the product does not overflow.
std::uint64_t percent_of(const MemoryUse& use, std::uint64_t percent) {
    return use.limit / 100 * percent;
}

// True when `a` uses a greater part of its limit than `b`. Compares products, in a type with room for both.
bool is_nearer(const MemoryUse& a, const MemoryUse& b) {
    return static_cast<long double>(a.used) * static_cast<long double>(b.limit) >
           static_cast<long double>(b.used) * static_cast<long double>(a.limit);
}

}  // namespace

Pressure MemoryPressure::on_sample(std::span<const MemoryUse> uses) {
    // A kind without a limit never counts.
    nearest_ = {};
    for (const MemoryUse& use : uses) {
        if (use.limit > 0 && (nearest_.limit == 0 || is_nearer(use, nearest_))) {
            nearest_ = use;
        }
    }
    // A level that holds already ends kCalmPercent below its beginning.
    const auto is_from = [this](Pressure state, std::uint64_t percent) {
        const std::uint64_t from = pressure_ >= state ? percent - kCalmPercent : percent;
        return nearest_.limit > 0 && nearest_.used >= percent_of(nearest_, from);
    };
    pressure_ = is_from(Pressure::kShedding, kShedPercent)     ? Pressure::kShedding
                : is_from(Pressure::kRefusing, kRefusePercent) ? Pressure::kRefusing
                                                               : Pressure::kNone;
    // Shedding goes on until the use is below the end of the level, so the excess is measured from there.
    const std::uint64_t calm = percent_of(nearest_, kShedPercent - kCalmPercent);
    excess_ = pressure_ == Pressure::kShedding && nearest_.used > calm ? nearest_.used - calm : 0;
    return pressure_;
}

}  // namespace tulle::node
