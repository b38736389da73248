#include "node/core/capacity.hpp"

#include <gtest/gtest.h>

#include "node/core/limits.hpp"

namespace tulle::node::capacity_test {
namespace {

TEST(Capacity, KeepsAPartForHttpAndBoundsIt) {
    EXPECT_EQ(capacity_of(100'000), (Capacity{100'000, 99'744, 4096}));
    EXPECT_EQ(capacity_of(800), (Capacity{800, 750, 200}));
    EXPECT_EQ(capacity_of(kMinConnections), (Capacity{16, 12, 8}));
}

TEST(Capacity, ConnectionsAndWhatIsReservedFitIntoTheDescriptors) {
    for (const std::size_t shards : {1u, 4u, 62u}) {
        for (const std::size_t descriptors : {1'024u, 4'096u, 20'000u, 1'048'576u}) {
            const std::size_t most = max_connections_of(descriptors, shards);
            EXPECT_EQ(most + reserved_descriptors(descriptors, shards), descriptors);
            EXPECT_GE(reserved_descriptors(descriptors, shards), kMaxAdminConnections + 8 * shards);
        }
    }
    EXPECT_EQ(max_connections_of(64, 4), kMinConnections);
}

}  // namespace
}  // namespace tulle::node::capacity_test
