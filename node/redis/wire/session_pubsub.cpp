#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "node/redis/core/glob.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/core/words.hpp"
#include "node/redis/wire/session.hpp"

/// Session: publish and subscribe.
namespace tulle::node::redis {
namespace {

std::string_view word_of(Kind kind, bool is_begun) {
    switch (kind) {
        case Kind::kPattern:
            return is_begun ? "psubscribe" : "punsubscribe";
        case Kind::kShardChannel:
            return is_begun ? "ssubscribe" : "sunsubscribe";
        default:
            return is_begun ? "subscribe" : "unsubscribe";
    }
}

}  // namespace

std::optional<Session::Next> Session::run_subscription(const Command& command, Arguments arguments, RespWriter& out) {
    switch (command.id) {
        case CommandId::kSubscribe:
            return subscribe(Kind::kChannel, arguments, out);
        case CommandId::kPsubscribe:
            return subscribe(Kind::kPattern, arguments, out);
        case CommandId::kSsubscribe:
            // As in Redis, where the reply of EXEC is made while nothing else may happen.
            if (exec_reply_) {
                out.error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
                return Next::kGoOn;
            }
            return subscribe(Kind::kShardChannel, arguments, out);
        case CommandId::kUnsubscribe:
            return unsubscribe(Kind::kChannel, arguments, out);
        case CommandId::kPunsubscribe:
            return unsubscribe(Kind::kPattern, arguments, out);
        case CommandId::kSunsubscribe:
            return unsubscribe(Kind::kShardChannel, arguments, out);
        default:
            return std::nullopt;
    }
}

Session::Next Session::leave_for_later(std::string_view command, Arguments rest) {
    if (rest.empty()) {
        return Next::kGoOn;
    }
    Queued later;
    later.reserve(rest.size() + 1);
    later.emplace_back(command);
    later.insert(later.end(), rest.begin(), rest.end());
    // The command of an EXEC, or of a turn before, is the first of running_.
    if (running_.empty()) {
        running_.push_back(std::move(later));
    } else {
        running_.front() = std::move(later);
    }
    return Next::kWait;
}

std::size_t& Session::held(Kind kind) {
    return kind == Kind::kPattern        ? facts_.patterns
           : kind == Kind::kShardChannel ? facts_.shard_channels
                                         : facts_.channels;
}

std::size_t Session::shown_count(Kind kind) const {
    return kind == Kind::kShardChannel ? facts_.shard_channels : facts_.channels + facts_.patterns;
}

void Session::push_count(std::string_view word, std::optional<std::string_view> name, Kind kind,
                         RespWriter& out) const {
    out.push(3);
    out.bulk(word);
    if (name) {
        out.bulk(*name);
    } else {
        out.null();
    }
    out.integer(static_cast<std::int64_t>(shown_count(kind)));
}

Session::Next Session::subscribe(Kind kind, Arguments arguments, RespWriter& out) {
    const Arguments names = arguments.subspan(1);
    const Arguments now = names.first(std::min(names.size(), kNamesPerTurn));
    for (const std::string_view name : now) {
        if (name.size() > kMaxNameBytes) {
            out.error("ERR the name of a channel or pattern is longer than " + std::to_string(kMaxNameBytes) +
                      " bytes");
        } else if (kind == Kind::kPattern && !is_allowed_pattern(name)) {
            out.error(pattern_error());
        } else if (subscriptions() >= kMaxSubscriptions) {
            out.error("ERR the connection has " + std::to_string(kMaxSubscriptions) + " subscriptions already");
        } else {
            if (host_.subscribe(*realm_, kind, slot_, name)) {
                ++held(kind);
                held_bytes_ += name.size() + kSubscriptionBytes;
            }
            push_count(word_of(kind, true), name, kind, out);
        }
    }
    tell_facts();
    return leave_for_later(arguments.front(), names.subspan(now.size()));
}

Session::Next Session::unsubscribe(Kind kind, Arguments arguments, RespWriter& out) {
    std::vector<std::string> all;
    std::vector<std::string_view> chosen(arguments.begin() + 1, arguments.end());
    // Before AUTH there is no realm, and no subscription.
    if (chosen.empty() && realm_ != nullptr) {
        all = host_.names_of(*realm_, kind, slot_);
        chosen.assign(all.begin(), all.end());
    }
    if (chosen.empty()) {
        push_count(word_of(kind, false), std::nullopt, kind, out);
        return Next::kGoOn;
    }
    const Arguments names(chosen);
    const Arguments now = names.first(std::min(names.size(), kNamesPerTurn));
    for (const std::string_view name : now) {
        if (host_.unsubscribe(*realm_, kind, slot_, name)) {
            --held(kind);
            held_bytes_ -= name.size() + kSubscriptionBytes;
        }
        push_count(word_of(kind, false), name, kind, out);
    }
    tell_facts();
    return leave_for_later(arguments.front(), names.subspan(now.size()));
}

void Session::drop(Kind kind) {
    if (realm_ == nullptr || held(kind) == 0) {
        return;
    }
    for (const std::string& name : host_.names_of(*realm_, kind, slot_)) {
        const bool was_there = host_.unsubscribe(*realm_, kind, slot_, name);
        TULLE_ASSERT(was_there);
        held_bytes_ -= name.size() + kSubscriptionBytes;
    }
    held(kind) = 0;
}

Session::Next Session::publish(const Command& command, Arguments arguments, RespWriter& out) {
    const std::string_view channel = arguments[1];
    const std::string_view payload = arguments[2];
    if (channel.size() > kMaxNameBytes) {
        out.error("ERR the name of a channel is longer than " + std::to_string(kMaxNameBytes) + " bytes");
        return Next::kGoOn;
    }
    const Kind kind = command.id == CommandId::kSpublish ? Kind::kShardChannel : Kind::kChannel;
    std::uint64_t receivers = 0;
    switch (host_.publish(*realm_, kind, slot_, channel, payload, receivers)) {
        case Publishing::kDone:
            out.integer(static_cast<std::int64_t>(receivers));
            must_settle_ = must_settle_ || is_subscriber();
            break;
        case Publishing::kNotReady:
            out.error("LOADING Tulle is joining or leaving the mesh");
            break;
        case Publishing::kBusy:
            // The arguments lie in memory of the connection, which reads on meanwhile.
            if (running_.empty()) {
                running_.emplace_back(arguments.begin(), arguments.end());
            }
            return Next::kWait;
    }
    return Next::kGoOn;
}

Session::Next Session::publish_to_all(Arguments arguments, RespWriter& out) {
    constexpr std::size_t kPayload = 3;
    constexpr std::size_t kFirstChannel = 4;
    const std::string_view payload = arguments.size() > kPayload ? arguments[kPayload] : std::string_view{};
    const Arguments channels = arguments.subspan(std::min(kFirstChannel, arguments.size()));
    const auto is_long = [](std::string_view channel) { return channel.size() > kMaxNameBytes; };
    if (std::any_of(channels.begin(), channels.end(), is_long)) {
        out.error("ERR the name of a channel is longer than " + std::to_string(kMaxNameBytes) + " bytes");
        return Next::kGoOn;
    }
    if (channels.size() > kMaxScriptChannels || channels.size() * payload.size() > kMaxScriptBytes) {
        out.error("ERR the script is for more than " + std::to_string(kMaxScriptChannels) +
                  " channels, or for more than " + std::to_string(kMaxScriptBytes) +
                  " bytes, the payload counted for each channel");
        return Next::kGoOn;
    }
    for (auto channel = channels.begin(); channel != channels.end(); ++channel) {
        std::uint64_t receivers = 0;
        switch (host_.publish(*realm_, Kind::kChannel, slot_, *channel, payload, receivers)) {
            case Publishing::kDone:
                must_settle_ = must_settle_ || is_subscriber();
                break;
            case Publishing::kNotReady:
                out.error("LOADING Tulle is joining or leaving the mesh");
                return Next::kGoOn;
            case Publishing::kBusy: {
                // The rest waits, as a script for the channels that are left.
                const Arguments head = arguments.first(kFirstChannel);
                Queued rest(head.begin(), head.end());
                rest.insert(rest.end(), channel, channels.end());
                if (running_.empty()) {
                    running_.push_back(std::move(rest));
                } else {
                    running_.front() = std::move(rest);
                }
                return Next::kWait;
            }
        }
    }
    // As Redis answers for a script that returns nothing.
    out.null();
    return Next::kGoOn;
}

Session::Next Session::pubsub(Arguments arguments, RespWriter& out) {
    const std::string word = lower_case(arguments[1]);
    Question question{.realm = realm_->name};
    if (word == "help") {
        answer_help(*find_command("pubsub"), out);
        return Next::kGoOn;
    }
    if (word == "numsub" || word == "shardnumsub") {
        question.what = Question::What::kCounts;
        question.kind = word == "numsub" ? Kind::kChannel : Kind::kShardChannel;
        question.names.assign(arguments.begin() + 2, arguments.end());
        const auto is_long = [](const std::string& name) { return name.size() > kMaxNameBytes; };
        if (std::any_of(question.names.begin(), question.names.end(), is_long)) {
            out.error("ERR the name of a channel is longer than " + std::to_string(kMaxNameBytes) + " bytes");
            return Next::kGoOn;
        }
        if (question.names.empty()) {
            out.array(0);
            return Next::kGoOn;
        }
    } else if (arguments.size() > 3) {
        out.error("ERR unknown subcommand or wrong number of arguments for '" + std::string(arguments[1]) +
                  "'. Try PUBSUB HELP.");
        return Next::kGoOn;
    } else {
        question.what = Question::What::kNames;
        question.kind = word == "numpat" ? Kind::kPattern : word == "channels" ? Kind::kChannel : Kind::kShardChannel;
        question.wants_number = word == "numpat";
        question.is_all = arguments.size() == 2;
        question.pattern = question.is_all ? std::string_view{} : arguments[2];
        if (!is_allowed_pattern(question.pattern)) {
            out.error(pattern_error());
            return Next::kGoOn;
        }
    }
    if (running_.empty()) {
        running_.emplace_back(arguments.begin(), arguments.end());
    }
    if (host_.ask(slot_, question)) {
        question_ = std::move(question);
    }
    return Next::kWait;
}

Session::Next Session::on_answer(const Answers& answers, std::string& out) {
    TULLE_ASSERT(question_ && !running_.empty());
    const Question question = *std::exchange(question_, std::nullopt);
    std::string text;
    RespWriter reply(text, version_);
    if (question.wants_number) {
        reply.integer(static_cast<std::int64_t>(answers.counts.size()));
    } else if (question.what == Question::What::kNames) {
        reply.array(answers.counts.size());
        for (const auto& [name, count] : answers.counts) {
            reply.bulk(name);
        }
    } else {
        reply.array(question.names.size() * 2);
        for (const std::string& name : question.names) {
            const auto found = answers.counts.find(name);
            reply.bulk(name);
            reply.integer(found == answers.counts.end() ? 0 : static_cast<std::int64_t>(found->second));
        }
    }
    return end_waiting(text, out);
}

}  // namespace tulle::node::redis
