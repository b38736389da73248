#include "node/web/core/deflate_offer.hpp"

#include <string>

#include <gtest/gtest.h>

#include "node/web/core/date.hpp"

namespace tulle::node::http::deflate_offer_test {
namespace {

const std::string kAgreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

std::optional<DeflateAgreement> agreed(std::string more, bool has_full_window = true) {
    return DeflateAgreement{kAgreed + more, has_full_window};
}

TEST(DeflateOffer, IsAnsweredWithWhatItAsksFor) {
    EXPECT_EQ(agree_on_deflate("permessage-deflate"), agreed(""));
    EXPECT_EQ(agree_on_deflate("x-webkit-deflate-frame, Permessage-Deflate; client_max_window_bits"), agreed(""));
    EXPECT_EQ(agree_on_deflate("permessage-deflate;server_no_context_takeover;client_no_context_takeover"), agreed(""));
    EXPECT_EQ(agree_on_deflate("permessage-deflate; client_max_window_bits=9"), agreed("; client_max_window_bits=9"));
    EXPECT_EQ(agree_on_deflate("permessage-deflate; server_max_window_bits=15"), agreed("; server_max_window_bits=15"));
    EXPECT_EQ(agree_on_deflate("permessage-deflate; server_max_window_bits=\"10\" "),
              agreed("; server_max_window_bits=10", false));
}

TEST(DeflateOffer, OfTheSmallestWindowIsNotAnsweredWithALargerOne) {
    EXPECT_EQ(agree_on_deflate("permessage-deflate; server_max_window_bits=8"),
              agreed("; server_max_window_bits=8", false));
    EXPECT_EQ(agree_on_deflate("permessage-deflate; client_max_window_bits=8"), agreed("; client_max_window_bits=8"));
}

TEST(DeflateOffer, ThatIsWrongIsDeclinedAndTheNextOneLookedAt) {
    for (const char* offer :
         {"", ",", "deflate", "permessage-deflate; server_max_window_bits",
          "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
          "permessage-deflate; server_max_window_bits=08", "permessage-deflate; client_max_window_bits=x",
          "permessage-deflate; client_max_window_bits=", "permessage-deflate; server_no_context_takeover=1",
          "permessage-deflate; other", "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
          "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
          "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"}) {
        EXPECT_EQ(agree_on_deflate(offer), std::nullopt) << offer;
        EXPECT_EQ(agree_on_deflate(std::string(offer) + ", permessage-deflate"), agreed("")) << offer;
    }
    EXPECT_EQ(agree_on_deflate("permessage-deflate; x=\"a, permessage-deflate\""), std::nullopt)
        << "a comma in quotes parts nothing";
}

TEST(Date, IsOfTheFormOfRfc9110) {
    EXPECT_EQ(date_text(WallSeconds(784111777s)), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(date_text(WallSeconds(0s)), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(date_text(WallSeconds(1709251199s)), "Thu, 29 Feb 2024 23:59:59 GMT");
}

}  // namespace
}  // namespace tulle::node::http::deflate_offer_test
