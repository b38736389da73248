#include "mesh/core/session/key_ids.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh::key_ids_test {
namespace {

TEST(KeyIdsTest, SaysWhatIsKnown) {
    KeyIds ids({7});
    EXPECT_NE(ids.why_refused({}).find("(00000007)"), std::string::npos);
    EXPECT_NE(ids.why_refused(OriginId{1}).find("not known"), std::string::npos);
    ids.heard(OriginId{1}, {8});
    ids.heard(OriginId{1}, {9, 8});
    ids.heard(OriginId{1}, {});
    EXPECT_NE(ids.why_refused(OriginId{1}).find("it had 00000009, 00000008"), std::string::npos);
    ids.set_own({});
    EXPECT_NE(ids.why_refused(OriginId{1}).find("this node has no mesh keys"), std::string::npos);
}

TEST(KeyIdsTest, ForgetsTheFirstBeyondTheLimit) {
    KeyIds ids({7});
    for (std::uint64_t oid = 1; oid <= kMaxMembers + 1; ++oid) {
        ids.heard(OriginId{oid}, {8});
    }
    EXPECT_NE(ids.why_refused(OriginId{1}).find("not known"), std::string::npos);
    EXPECT_NE(ids.why_refused(OriginId{2}).find("it had 00000008"), std::string::npos);
}

}  // namespace
}  // namespace tulle::mesh::key_ids_test
