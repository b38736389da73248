#include "node/core/memory_pressure.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace tulle::node::memory_pressure_test {
namespace {

Pressure at(MemoryPressure& memory, std::uint64_t used) {
    return memory.on_sample(std::vector<MemoryUse>{{used, 1000}});
}

TEST(MemoryPressure, RefusesThenShedsAndEndsEachALittleLower) {
    MemoryPressure memory;
    EXPECT_EQ(at(memory, 799), Pressure::kNone);
    EXPECT_EQ(at(memory, 800), Pressure::kRefusing);
    EXPECT_EQ(at(memory, 899), Pressure::kRefusing);
    EXPECT_EQ(at(memory, 900), Pressure::kShedding);
    EXPECT_EQ(memory.excess(), 50u);
    EXPECT_EQ(at(memory, 850), Pressure::kShedding);
    EXPECT_EQ(memory.excess(), 0u);
    EXPECT_EQ(at(memory, 849), Pressure::kRefusing);
    EXPECT_EQ(at(memory, 750), Pressure::kRefusing);
    EXPECT_EQ(at(memory, 749), Pressure::kNone);
    EXPECT_EQ(at(memory, 790), Pressure::kNone);
    EXPECT_EQ(at(memory, 5000), Pressure::kShedding);
    EXPECT_EQ(at(memory, 0), Pressure::kNone);
}

TEST(MemoryPressure, TheLimitThatIsNearestCounts) {
    MemoryPressure memory;
    EXPECT_EQ(memory.on_sample(std::vector<MemoryUse>{{100, 1000}, {950, 0}, {17'000, 20'000}}), Pressure::kRefusing);
    EXPECT_EQ(memory.nearest().limit, 20'000u);
    EXPECT_EQ(memory.on_sample(std::vector<MemoryUse>{{950, 1000}, {17'000, 20'000}}), Pressure::kShedding);
    EXPECT_EQ(memory.nearest().limit, 1000u);
    EXPECT_EQ(memory.on_sample({}), Pressure::kNone);
}

TEST(MemoryPressure, WithoutALimitThereIsNone) {
    MemoryPressure memory;
    EXPECT_EQ(memory.on_sample(std::vector<MemoryUse>{{1ull << 50, 0}}), Pressure::kNone);
}

}  // namespace
}  // namespace tulle::node::memory_pressure_test
