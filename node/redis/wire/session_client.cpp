#include <algorithm>
#include <string>
#include <utility>

#include "node/redis/core/limits.hpp"
#include "node/redis/core/words.hpp"
#include "node/redis/wire/session.hpp"

/// Session: the command CLIENT.
namespace tulle::node::redis {
namespace {

/// Whether a name is printable and without spaces, as Redis demands of the names of clients.
bool is_plain(std::string_view name) {
    return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace

bool Session::set_name(std::string_view name, RespWriter& out) {
    if (!is_plain(name) || name.size() > kMaxClientWord) {
        out.error("ERR Client names cannot contain spaces, newlines or special characters.");
        return false;
    }
    facts_.name = name;
    tell_facts();
    return true;
}

Session::Next Session::client(Arguments arguments, RespWriter& out) {
    const std::string word = lower_case(arguments[1]);
    if (word == "id") {
        out.integer(static_cast<std::int64_t>(card_->id()));
    } else if (word == "setname") {
        if (set_name(arguments[2], out)) {
            out.simple("OK");
        }
    } else if (word == "getname") {
        if (facts_.name.empty()) {
            out.null();
        } else {
            out.bulk(facts_.name);
        }
    } else if (word == "setinfo") {
        client_set_info(arguments, out);
    } else if (word == "reply") {
        client_reply(arguments[2], out);
    } else if (word == "list") {
        client_list(arguments, out);
    } else if (word == "info") {
        tell_facts();
        out.verbatim_text(host_.list_clients({.realm = facts_.realm, .ids = {card_->id()}}));
    } else if (word == "kill") {
        return client_kill(arguments, out);
    } else if (word == "no-evict" || word == "no-touch") {
        // Nothing is evicted here, so both words are true whatever the client wants.
        if (is_word(arguments[2], "on") || is_word(arguments[2], "off")) {
            out.simple("OK");
        } else {
            out.error(kSyntaxError);
        }
    } else if (word == "getredir") {
        out.integer(-1);
    } else {
        answer_help(*find_command("client"), out);
    }
    return Next::kGoOn;
}

void Session::client_set_info(Arguments arguments, RespWriter& out) {
    std::string* const fact = is_word(arguments[2], "lib-name")  ? &facts_.library
                              : is_word(arguments[2], "lib-ver") ? &facts_.library_version
                                                                 : nullptr;
    if (fact == nullptr) {
        out.error("ERR Unrecognized option '" + std::string(arguments[2].substr(0, 128)) + "'");
    } else if (!is_plain(arguments[3]) || arguments[3].size() > kMaxClientWord) {
        out.error("ERR " + lower_case(arguments[2]) + " cannot contain spaces, newlines or special characters.");
    } else {
        *fact = arguments[3];
        tell_facts();
        out.simple("OK");
    }
}

void Session::client_reply(std::string_view mode, RespWriter& out) {
    if (is_word(mode, "on")) {
        silence_ = Silence::kNone;
        out.simple("OK");
    } else if (is_word(mode, "off")) {
        silence_ = Silence::kAll;
    } else if (is_word(mode, "skip")) {
        // Without effect, as in Redis, when all replies are off.
        silence_ = silence_ == Silence::kAll ? Silence::kAll : Silence::kThisAndNext;
    } else {
        out.error(kSyntaxError);
    }
}

void Session::client_list(Arguments arguments, RespWriter& out) {
    ClientFilter filter{.realm = facts_.realm};
    if (arguments.size() == 4 && is_word(arguments[2], "type")) {
        const std::string type = lower_case(arguments[3].substr(0, 16));
        if (type != "normal" && type != "pubsub" && type != "master" && type != "replica" && type != "slave") {
            out.error("ERR Unknown client type '" + std::string(arguments[3].substr(0, 128)) + "'");
            return;
        }
        if (type != "normal" && type != "pubsub") {
            out.verbatim_text("");
            return;
        }
        filter.is_subscriber = type == "pubsub";
    } else if (arguments.size() > 3 && is_word(arguments[2], "id")) {
        for (const std::string_view text : arguments.subspan(3)) {
            const std::optional<std::int64_t> id = number_of(text);
            if (!id || *id < 1) {
                out.error("ERR Invalid client ID");
                return;
            }
            filter.ids.push_back(static_cast<std::uint64_t>(*id));
        }
    } else if (arguments.size() > 2) {
        out.error(kSyntaxError);
        return;
    }
    tell_facts();
    out.verbatim_text(host_.list_clients(filter));
}

Session::Next Session::client_kill(Arguments arguments, RespWriter& out) {
    ClientFilter filter{.realm = facts_.realm};
    const bool is_old_form = arguments.size() == 3;
    bool is_sparing_self = !is_old_form;
    if (is_old_form) {
        filter.address = arguments[2];
    } else if (arguments.size() % 2 != 0) {
        out.error(kSyntaxError);
        return Next::kGoOn;
    }
    for (std::size_t i = 2; !is_old_form && i < arguments.size(); i += 2) {
        const std::string word = lower_case(arguments[i].substr(0, 16));
        const std::string_view value = arguments[i + 1];
        if (const std::optional<std::int64_t> id = number_of(value); word == "id") {
            if (!id || *id < 1) {
                out.error("ERR client-id should be greater than 0");
                return Next::kGoOn;
            }
            filter.ids.push_back(static_cast<std::uint64_t>(*id));
        } else if (word == "addr") {
            filter.address = value;
        } else if (word == "laddr") {
            filter.local_address = value;
        } else if (word == "user") {
            if (std::find(realm_->users.begin(), realm_->users.end(), value) == realm_->users.end()) {
                out.error("ERR No such user '" + std::string(value.substr(0, 128)) + "'");
                return Next::kGoOn;
            }
            filter.user = value;
        } else if (word == "type") {
            if (!is_word(value, "normal") && !is_word(value, "pubsub")) {
                out.error("ERR Unknown client type '" + std::string(value.substr(0, 128)) + "'");
                return Next::kGoOn;
            }
            filter.is_subscriber = is_word(value, "pubsub");
        } else if (word == "skipme" && (is_word(value, "yes") || is_word(value, "no"))) {
            is_sparing_self = is_word(value, "yes");
        } else {
            out.error(kSyntaxError);
            return Next::kGoOn;
        }
    }
    if (is_sparing_self) {
        filter.except = card_->id();
    }
    tell_facts();
    bool is_self = false;
    const std::size_t killed = host_.kill_clients(filter, card_->id(), is_self);
    if (!is_old_form) {
        out.integer(static_cast<std::int64_t>(killed));
    } else if (killed == 0) {
        out.error("ERR No such client");
    } else {
        out.simple("OK");
    }
    return is_self ? Next::kClose : Next::kGoOn;
}

}  // namespace tulle::node::redis
