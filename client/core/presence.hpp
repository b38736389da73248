#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/core/message.hpp"

namespace tulle::client {

/// The users in the presence channels of the present connection, as reported by the server. Users are compared by the
/// text of their ids, as servers do.
///
/// Thread: confined to its owner.
/// Limits: lists kMaxMembers users of a channel. Further users are reported by `add` but not listed, so `remove` does
///         not report them.
class PresenceLists {
public:
    /// Names this client's user in a channel before the subscription. An older list of the channel is forgotten.
    void expect(const std::string& channel, std::string me);
    /// Replaces the channel's list by the server's list, and returns the list in the server's order. `me` has only the
    /// id when the server's list lacks the user.
    [[nodiscard]] Subscribed join(const std::string& channel, std::vector<Member> members);
    /// Lists a user and returns the new count. A user already listed receives the new info.
    [[nodiscard]] MemberAdded add(const std::string& channel, Member member);
    /// Returns the user with the last known info; nothing for a user not listed.
    [[nodiscard]] std::optional<MemberRemoved> remove(const std::string& channel, std::string_view id);

    /// The channel is no longer wanted.
    void forget(const std::string& channel) { lists_.erase(channel); }
    /// The connection has ended.
    void reset() { lists_.clear(); }

private:
    /// One channel: this client's user, and the users by the text of the id.
    struct List {
        std::string me;
        std::map<std::string, Member, std::less<>> members;
    };

    std::map<std::string, List, std::less<>> lists_;
};

}  // namespace tulle::client
