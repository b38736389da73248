// What says who a client is: channel_data of a presence channel, and user_data of a sign-in.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/parse.hpp>

#include "mesh/base/assert.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/codec.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/presence.hpp"
#include "node/pusher/wire/user_data.hpp"

namespace {

using namespace tulle::node::pusher;

void must_be_json(const std::string& text) {
    boost::system::error_code error;
    boost::json::parse_options options;
    options.max_depth = 64;
    boost::json::parse(text, error, {}, options);
    TULLE_ASSERT(!error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto member = parse_member(text, tulle::node::kDefaultMaxPresenceMemberBytes)) {
        TULLE_ASSERT(!member->user.empty() && member->user.size() <= tulle::node::kMaxUserIdBytes);
        must_be_json(std::string(id_of_card(member->card)));
        must_be_json(event_frame("presence-a", member_added_body(member->card)));
        must_be_json(event_frame("presence-a", member_removed_body(member->card)));
        tulle::node::PresenceRooms::Users users;
        users.emplace(member->user, std::make_shared<const std::string>(member->card));
        must_be_json(presence_succeeded("presence-a", users));
    }
    if (const auto user = parse_user_data(text)) {
        TULLE_ASSERT(tulle::node::is_valid_user_id(user->member.user) &&
                     user->watchlist.size() <= tulle::node::kMaxWatchlist);
        must_be_json(event_frame("presence-a", member_added_body(user->member.card)));
        must_be_json(signin_success(text));
        if (!user->watchlist.empty()) {
            must_be_json(watchlist_events(user->watchlist, user->watchlist));
        }
    } else {
        TULLE_ASSERT(!describe(user.error()).empty());
    }
    return 0;
}
