#include "node/redis/wire/session.hpp"

#include <algorithm>
#include <utility>

#include "mesh/base/assert.hpp"
#include "node/redis/core/limits.hpp"
#include "node/redis/core/words.hpp"
#include "node/redis/wire/info.hpp"

namespace tulle::node::redis {
namespace {

constexpr std::string_view kWrongPassword = "WRONGPASS invalid username-password pair or user is disabled.";

/// The bytes that the arguments hold together.
std::size_t bytes_of(std::span<const std::string_view> arguments) {
    std::size_t bytes = 0;
    for (const std::string_view argument : arguments) {
        bytes += argument.size() + sizeof(std::string);
    }
    return bytes;
}

/// How Redis names a command in errors: with the subcommand, if the command has subcommands.
std::string shown_name(const Command& command, std::span<const std::string_view> arguments) {
    std::string name(command.name);
    if (command.has_subcommands() && arguments.size() > 1) {
        name.append("|").append(lower_case(arguments[1].substr(0, 128)));
    }
    return name;
}

}  // namespace

Session::Session(SessionHost& host, Slot slot, std::shared_ptr<ClientTable::Card> card)
    : host_(host), slot_(slot), card_(std::move(card)) {
    TULLE_ASSERT(card_ != nullptr);
    set_realm(host_.realms().open_realm(), "default");
}

void Session::set_realm(const Realm* realm, std::string_view user) {
    // The subscriptions of another realm mean other channels.
    if (realm_ != nullptr && realm != realm_) {
        drop(Kind::kChannel);
        drop(Kind::kPattern);
        drop(Kind::kShardChannel);
    }
    realm_ = realm;
    facts_.user = user;
    facts_.realm = realm == nullptr ? "" : realm->name;
    tell_facts();
}

void Session::set_version(Resp version) {
    if (version != version_) {
        version_ = version;
        facts_.resp = static_cast<unsigned>(version);
        host_.on_protocol(slot_, version);
    }
}

Session::Next Session::on_command(Arguments arguments, std::string& out) {
    TULLE_ASSERT(!arguments.empty() && running_.empty() && !question_ && !exec_reply_ && !is_settling_ &&
                 !is_asking_owner_);
    const std::size_t begin = out.size();
    // CLIENT REPLY SKIP silences the command after it as well.
    if (silence_ == Silence::kThisAndNext) {
        silence_ = Silence::kThis;
    }
    must_settle_ = false;
    // A client sends the same command again and again.
    if (last_command_ == nullptr || !is_word(arguments.front(), last_command_->name)) {
        last_command_ = find_command(arguments.front());
    }
    const Command* const command = last_command_;
    Next next = take(command, arguments, out);
    if (must_settle_ && next == Next::kGoOn) {
        next = settle();
    }
    // The confirmations of subscriptions are pushes, which CLIENT REPLY does not silence.
    const bool is_push = command != nullptr && command->is_subscription;
    const bool is_muted = silence_ != Silence::kNone && !is_push;
    if (is_muted) {
        out.resize(begin);
    }
    is_waiting_muted_ = is_muted;
    if (silence_ == Silence::kThis) {
        silence_ = Silence::kNone;
    }
    return next;
}

/// The order of the checks is Redis'.
std::string Session::refusal_of(const Command* command, Arguments arguments) const {
    if (command == nullptr) {
        return unknown_command(arguments);
    }
    const bool is_of_store = is_store_command(*command, arguments);
    if (is_of_store && realm_ != nullptr && realm_->store_bytes == 0) {
        return unknown_command(arguments);
    }
    if (!command->takes(arguments.size())) {
        return wrong_arity(command->name);
    }
    if (std::string error = subcommand_error(*command, arguments); !error.empty()) {
        return error;
    }
    if (needs_password() && !command->is_open) {
        return "NOAUTH Authentication required.";
    }
    if (version_ == Resp::k2 && is_subscriber() && !command->is_for_subscribers) {
        return "ERR Can't execute '" + shown_name(*command, arguments) +
               "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
    }
    return is_of_store ? host_.store_refusal(*realm_, *command, arguments) : std::string();
}

/// A refused command makes EXEC fail; a refused EXEC ends the transaction.
void Session::refuse(const Command* command, std::string_view error, RespWriter& out) {
    if (command != nullptr && command->id == CommandId::kExec) {
        queued_.reset();
        facts_.queued.reset();
        constexpr std::string_view kCode = "ERR ";
        out.error("EXECABORT Transaction discarded because of: " +
                  std::string(error.starts_with(kCode) ? error.substr(kCode.size()) : error));
    } else {
        is_spoilt_ = queued_.has_value();
        out.error(error);
    }
}

Session::Next Session::take(const Command* command, Arguments arguments, std::string& out) {
    RespWriter reply(out, version_, &errors_);
    if (command != nullptr) {
        card_->note_command(command->name.data(), host_.now());
    }
    const std::string error = refusal_of(command, arguments);
    if (!error.empty()) {
        refuse(command, error, reply);
        return Next::kGoOn;
    }
    if (!queued_ || command->is_immediate) {
        return run(*command, arguments, out);
    }
    queued_bytes_ += bytes_of(arguments);
    if (queued_->size() >= kMaxQueuedCommands || queued_bytes_ > kMaxCommandBytes) {
        is_spoilt_ = true;
        reply.error("ERR too many commands or bytes between MULTI and EXEC");
        return Next::kGoOn;
    }
    queued_->emplace_back(arguments.begin(), arguments.end());
    facts_.queued = queued_->size();
    reply.simple("QUEUED");
    return Next::kGoOn;
}

Session::Next Session::run(const Command& command, Arguments arguments, std::string& out) {
    RespWriter reply(out, version_, &errors_);
    if (is_store_command(command, arguments)) {
        return run_store(command, arguments, reply);
    }
    switch (command.id) {
        case CommandId::kPublish:
        case CommandId::kSpublish:
            return publish(command, arguments, reply);
        case CommandId::kEval:
            return publish_to_all(arguments, reply);
        case CommandId::kPubsub:
            return pubsub(arguments, reply);
        case CommandId::kExec:
            return exec(out);
        default:
            if (const std::optional<Next> next = run_subscription(command, arguments, reply)) {
                return *next;
            }
            return run_simple(command, arguments, reply);
    }
}

Session::Next Session::run_simple(const Command& command, Arguments arguments, RespWriter& out) {
    switch (command.id) {
        case CommandId::kAuth:
            return auth(arguments, out);
        case CommandId::kHello:
            return hello(arguments, out);
        case CommandId::kClient:
            return client(arguments, out);
        case CommandId::kQuit:
            out.simple("OK");
            return Next::kClose;
        case CommandId::kCluster:
            out.error("ERR This instance has cluster support disabled");
            break;
        case CommandId::kCommand:
            answer_command(arguments, out);
            break;
        case CommandId::kConfig:
            config(arguments, out);
            break;
        case CommandId::kDiscard:
            discard(out);
            break;
        case CommandId::kEcho:
            out.bulk(arguments[1]);
            break;
        case CommandId::kInfo:
            info(arguments, out);
            break;
        case CommandId::kMulti:
            multi(out);
            break;
        case CommandId::kPing:
            ping(arguments, out);
            break;
        case CommandId::kReset:
            reset(out);
            break;
        case CommandId::kSelect:
            select(arguments, out);
            break;
        case CommandId::kTime:
            time(out);
            break;
        default:
            TULLE_ASSERT(false);
    }
    return Next::kGoOn;
}

// ---- who the client is ----

bool Session::authenticate(std::string_view user, std::string_view password, RespWriter& out, Next& next) {
    const Realm* realm = host_.realms().authenticate(user, password);
    if (realm == nullptr) {
        out.error(kWrongPassword);
        next = host_.on_wrong_password(slot_, user) ? Next::kClose : Next::kGoOn;
        return false;
    }
    set_realm(realm, user);
    return true;
}

Session::Next Session::auth(Arguments arguments, RespWriter& out) {
    if (arguments.size() > 3) {
        out.error(kSyntaxError);
        return Next::kGoOn;
    }
    const bool has_user = arguments.size() == 3;
    if (!has_user && host_.realms().open_realm() != nullptr) {
        out.error(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
            "configuration is correct?");
        return Next::kGoOn;
    }
    Next next = Next::kGoOn;
    if (authenticate(has_user ? arguments[1] : "default", arguments.back(), out, next)) {
        out.simple("OK");
    }
    return next;
}

Session::Next Session::hello(Arguments arguments, RespWriter& out) {
    std::int64_t version = static_cast<std::int64_t>(version_);
    if (arguments.size() > 1) {
        const std::optional<std::int64_t> wanted = number_of(arguments[1]);
        if (!wanted) {
            out.error("ERR Protocol version is not an integer or out of range");
            return Next::kGoOn;
        }
        version = *wanted;
        if (version != 2 && version != 3) {
            out.error("NOPROTO unsupported protocol version");
            return Next::kGoOn;
        }
    }
    for (std::size_t i = 2; i < arguments.size(); ++i) {
        const std::size_t more = arguments.size() - i - 1;
        if (is_word(arguments[i], "auth") && more >= 2) {
            Next next = Next::kGoOn;
            if (!authenticate(arguments[i + 1], arguments[i + 2], out, next)) {
                return next;
            }
            i += 2;
        } else if (is_word(arguments[i], "setname") && more >= 1) {
            if (!set_name(arguments[++i], out)) {
                return Next::kGoOn;
            }
        } else {
            out.error("ERR Syntax error in HELLO option '" + std::string(arguments[i].substr(0, 128)) + "'");
            return Next::kGoOn;
        }
    }
    if (needs_password()) {
        out.error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> "
            "option can be used to authenticate the client and select the RESP protocol version at the "
            "same time");
        return Next::kGoOn;
    }
    set_version(static_cast<Resp>(version));
    tell_facts();
    out.set_version(version_);
    out.map(7);
    out.bulk("server");
    out.bulk("redis");
    out.bulk("version");
    out.bulk(kRedisVersion);
    out.bulk("proto");
    out.integer(version);
    out.bulk("id");
    out.integer(static_cast<std::int64_t>(card_->id()));
    out.bulk("mode");
    out.bulk("standalone");
    out.bulk("role");
    out.bulk("master");
    out.bulk("modules");
    out.array(0);
    return Next::kGoOn;
}

// ---- the other commands of a connection ----

void Session::config(Arguments arguments, RespWriter& out) {
    if (is_word(arguments[1], "get")) {
        out.map(0);
    } else {
        answer_help(*find_command("config"), out);
    }
}

void Session::info(Arguments arguments, RespWriter& out) {
    out.verbatim_text(info_text(host_.facts(*realm_), arguments.subspan(1)));
}

void Session::ping(Arguments arguments, RespWriter& out) {
    if (arguments.size() > 2) {
        out.error(wrong_arity("ping"));
    } else if (version_ == Resp::k2 && is_subscriber()) {
        // A subscriber expects arrays alone.
        out.array(2);
        out.bulk("pong");
        out.bulk(arguments.size() == 2 ? arguments[1] : "");
    } else if (arguments.size() == 2) {
        out.bulk(arguments[1]);
    } else {
        out.simple("PONG");
    }
}

void Session::time(RespWriter& out) {
    const std::uint64_t us = host_.wall_us();
    out.array(2);
    out.bulk(std::to_string(us / 1'000'000));
    out.bulk(std::to_string(us % 1'000'000));
}

void Session::select(Arguments arguments, RespWriter& out) {
    const std::optional<std::int64_t> database = number_of(arguments[1]);
    if (!database) {
        out.error(kNotAnInteger);
    } else if (*database < 0 || *database >= kDatabases) {
        out.error("ERR DB index is out of range");
    } else {
        facts_.database = static_cast<unsigned>(*database);
        out.simple("OK");
    }
}

void Session::reset(RespWriter& out) {
    queued_.reset();
    queued_bytes_ = 0;
    is_spoilt_ = false;
    drop(Kind::kChannel);
    drop(Kind::kPattern);
    drop(Kind::kShardChannel);
    silence_ = Silence::kNone;
    facts_ = ClientFacts{};
    set_version(Resp::k2);
    set_realm(host_.realms().open_realm(), "default");
    out.simple("RESET");
}

}  // namespace tulle::node::redis
