#include "node/core/memory_pressure.hpp"

namespace tulle::node {
namespace {

/// Limits are below 2^57 bytes: no overflow.
std::uint64_t percent_of(const MemoryUse& use, std::uint64_t percent) {
    return use.limit / 100 * percent;
}

bool is_nearer(const MemoryUse& a, const MemoryUse& b) {
    return static_cast<long double>(a.used) * static_cast<long double>(b.limit) >
           static_cast<long double>(b.used) * static_cast<long double>(a.limit);
}

}  // namespace

Pressure MemoryPressure::on_sample(std::span<const MemoryUse> uses) {
    nearest_ = {};
    for (const MemoryUse& use : uses) {
        if (use.limit > 0 && (nearest_.limit == 0 || is_nearer(use, nearest_))) {
            nearest_ = use;
        }
    }
    const auto is_from = [this](Pressure state, std::uint64_t percent) {
        const std::uint64_t from = pressure_ >= state ? percent - kCalmPercent : percent;
        return nearest_.limit > 0 && nearest_.used >= percent_of(nearest_, from);
    };
    pressure_ = is_from(Pressure::kShedding, kShedPercent)     ? Pressure::kShedding
                : is_from(Pressure::kRefusing, kRefusePercent) ? Pressure::kRefusing
                                                               : Pressure::kNone;
    const std::uint64_t calm = percent_of(nearest_, kShedPercent - kCalmPercent);
    excess_ = pressure_ == Pressure::kShedding && nearest_.used > calm ? nearest_.used - calm : 0;
    return pressure_;
}

}  // namespace tulle::node
