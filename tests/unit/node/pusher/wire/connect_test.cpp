#include "node/pusher/wire/connect.hpp"

#include <gtest/gtest.h>

namespace tulle::node::pusher::connect_test {
namespace {

AppTable apps() {
    App open;
    open.id = "1";
    open.key = "key";
    App closed;
    closed.id = "2";
    closed.key = "off";
    closed.enabled = false;
    return AppTable({open, closed});
}

std::uint16_t code_of(std::string_view target) {
    const AppTable table = apps();
    const Admission admission = admit(table, target);
    EXPECT_EQ(admission.app == nullptr, admission.close_code != 0);
    return admission.close_code;
}

TEST(Admission, FindsTheAppAndIgnoresOtherParameters) {
    const AppTable table = apps();
    const Admission admission = admit(table, "/app/key?protocol=7&client=js&version=8.4.0-rc2&flash=false&x=1");
    ASSERT_NE(admission.app, nullptr);
    EXPECT_EQ(admission.app->id, "1");
    EXPECT_EQ(code_of("/app/key?protocol=5"), 0);
}

TEST(Admission, RefusesWithTheCodesOfTheProtocol) {
    EXPECT_EQ(code_of("/app/nope?protocol=7"), 4001);
    EXPECT_EQ(code_of("/app/off?protocol=7"), 4003);
    for (const char* target : {"/", "/app", "/app/", "/app/key/x?protocol=7", "/other/key?protocol=7",
                               "/app/key?protocol=7&protocol=7", "/app/key?protocol=%"}) {
        EXPECT_EQ(code_of(target), 4005) << target;
    }
    EXPECT_EQ(code_of("/app/key?protocol=7&version="), 4006);
    EXPECT_EQ(code_of("/app/key?protocol=7&version=a%20b"), 4006);
    EXPECT_EQ(code_of("/app/key?protocol=8"), 4007);
    EXPECT_EQ(code_of("/app/key?protocol=x"), 4007);
    EXPECT_EQ(code_of("/app/key"), 4008);
    EXPECT_EQ(code_of("/app/key?protocol="), 4008);
}

TEST(Subprotocol, IsTheFirstThatIsSpokenHere) {
    EXPECT_EQ(choose_subprotocol("pusher-channels-protocol-7"), "pusher-channels-protocol-7");
    EXPECT_EQ(choose_subprotocol("mqtt, pusher-channels-protocol-9 ,pusher-channels-protocol-5"),
              "pusher-channels-protocol-5");
    EXPECT_EQ(choose_subprotocol("pusher-channels-protocol-4"), "pusher-channels-protocol-4")
        << "to be told why it is refused";
    for (const char* offered : {"", ",", "mqtt", "pusher-channels-protocol-", "pusher-channels-protocol-7x",
                                "xpusher-channels-protocol-7", "pusher-channels-protocol-1234"}) {
        EXPECT_EQ(choose_subprotocol(offered), "") << offered;
    }
}

}  // namespace
}  // namespace tulle::node::pusher::connect_test
