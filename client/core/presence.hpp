#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/core/message.hpp"

namespace tulle::client {

/// Who is in the presence channels of the present connection, as the server has told. Users are told apart by the text
/// of their ids, as servers do.
///
/// Limits: keeps kMaxMembers of a channel.
class PresenceLists {
public:
    /// Whom the application's authorizer has let us be in this channel.
    void expect(const std::string& channel, std::string me);
    /// The list as it is at the subscription, in the order of the server.
    [[nodiscard]] Subscribed join(const std::string& channel, std::vector<Member> members);
    /// A user that is there already only gets its new info.
    [[nodiscard]] MemberAdded add(const std::string& channel, Member member);
    /// With the info that the user had; nothing for one that is not there.
    [[nodiscard]] std::optional<MemberRemoved> remove(const std::string& channel, std::string_view id);

    void forget(const std::string& channel) { lists_.erase(channel); }
    void reset() { lists_.clear(); }

private:
    struct List {
        std::string me;
        std::map<std::string, Member, std::less<>> members;
    };

    std::map<std::string, List, std::less<>> lists_;
};

}  // namespace tulle::client
