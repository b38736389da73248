#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/slot.hpp"
#include "node/redis/core/client_table.hpp"
#include "node/redis/core/realm.hpp"
#include "node/redis/core/realm_table.hpp"
#include "node/redis/wire/commands.hpp"
#include "node/redis/wire/info.hpp"
#include "node/redis/wire/question.hpp"
#include "node/redis/wire/resp_writer.hpp"

namespace tulle::node::redis {

/// The result of a publish.
enum class Publishing : std::uint8_t {
    kDone,
    /// The hub has no room now: try again after on_room().
    kBusy,
    /// The node joins or leaves.
    kNotReady
};

/// The fate of a command of the store.
enum class Storing : std::uint8_t {
    kDone,
    /// The owner of the key has been asked: Session::on_reply follows.
    kAsked,
    /// Too much is under way: try again after on_room().
    kBusy
};

/// What a session wants of its shard.
class SessionHost {
public:
    SessionHost() = default;
    SessionHost(const SessionHost&) = delete;
    SessionHost& operator=(const SessionHost&) = delete;
    virtual ~SessionHost() = default;

    /// Publishes to the channel or shard channel. kDone: `receivers` is the number of connections of the whole mesh.
    [[nodiscard]] virtual Publishing publish(const Realm& realm, Kind kind, Slot slot, std::string_view channel,
                                             std::string_view payload, std::uint64_t& receivers) = 0;
    /// Changes a subscription of the connection. True: something has changed.
    [[nodiscard]] virtual bool subscribe(const Realm& realm, Kind kind, Slot slot, std::string_view name) = 0;
    [[nodiscard]] virtual bool unsubscribe(const Realm& realm, Kind kind, Slot slot, std::string_view name) = 0;
    [[nodiscard]] virtual std::vector<std::string> names_of(const Realm& realm, Kind kind, Slot slot) = 0;
    /// Asks every node. Session::on_answer follows. False: the hub has no room now; try again after on_room().
    [[nodiscard]] virtual bool ask(Slot slot, const Question& question) = 0;
    /// Why a command of the store is not served, in Redis' words; empty when it is served.
    [[nodiscard]] virtual std::string store_refusal(const Realm& realm, const Command& command,
                                                    std::span<const std::string_view> arguments) = 0;
    /// Does a command of the store for the connection. kDone: the reply has been appended. REQUIRES: store_refusal() is
    /// empty.
    [[nodiscard]] virtual Storing store(const Realm& realm, Slot slot, const Command& command,
                                        std::span<const std::string_view> arguments, unsigned database,
                                        RespWriter& out) = 0;
    /// Has Session::on_settled called when all that has been published on this node by now has been delivered here.
    /// False: the hub has no room, and nothing is called.
    [[nodiscard]] virtual bool settle(Slot slot) = 0;
    /// The protocol of the connection is another one from here on.
    virtual void on_protocol(Slot slot, Resp version) = 0;
    /// The password for `user` was wrong. True: the client's address has sent too many wrong passwords, so the
    /// connection ends.
    [[nodiscard]] virtual bool on_wrong_password(Slot slot, std::string_view user) = 0;
    [[nodiscard]] virtual ServerFacts facts(const Realm& realm) = 0;
    /// Shows the facts of a connection to CLIENT LIST.
    virtual void tell(ClientTable::Card& card, const ClientFacts& facts) = 0;
    /// The lines of CLIENT LIST.
    [[nodiscard]] virtual std::string list_clients(const ClientFilter& filter) = 0;
    /// As ClientTable::kill.
    [[nodiscard]] virtual std::size_t kill_clients(const ClientFilter& filter, std::uint64_t self, bool& is_self) = 0;
    [[nodiscard]] virtual const Realms& realms() = 0;
    [[nodiscard]] virtual Instant now() = 0;
    /// Microseconds since 1970, by the wall clock.
    [[nodiscard]] virtual std::uint64_t wall_us() = 0;
};

/// A connection of the Redis protocol, from the first command to the last: the state machine behind a single client.
/// The behaviour is that of Redis 7.2 (its order of a reply and of the messages that the command causes included).
///
/// Thread: confined to its shard.
/// Order:  replies are appended in the order of the commands. While a session waits, no further command may be given.
/// Limits: kMaxSubscriptions; names and patterns as in limits.hpp; MULTI keeps kMaxQueuedCommands commands of
///         kMaxCommandBytes bytes together; a script publishes kMaxScriptBytes to kMaxScriptChannels. Past a limit the
///         command is answered with an error.
/// Errors: none. Every wrong command of the client is answered with an error.
class Session {
public:
    /// `host` must outlive the session. `card` is the connection's.
    Session(SessionHost& host, Slot slot, std::shared_ptr<ClientTable::Card> card);

    enum class Next : std::uint8_t {
        /// The session takes the next command.
        kGoOn,
        /// The session takes no command before on_answer, on_reply, on_settled or on_room has returned kGoOn.
        kWait,
        /// The replies so far are the last ones: the connection is to be closed.
        kClose
    };
    /// Does a command, and appends its reply to `out`. REQUIRES: at least one argument, and the session does not wait.
    [[nodiscard]] Next on_command(std::span<const std::string_view> arguments, std::string& out);
    /// The answer to the question that the session waits for.
    [[nodiscard]] Next on_answer(const Answers& answers, std::string& out);
    /// The reply to the command of the store that the session waits for.
    [[nodiscard]] Next on_reply(std::string_view text, std::string& out);
    /// SessionHost::settle is done.
    [[nodiscard]] Next on_settled();
    /// The hub has room again, which the session may wait for. Does nothing otherwise.
    [[nodiscard]] Next on_room(std::string& out);

    /// True before a right AUTH, in a node that demands one.
    [[nodiscard]] bool needs_password() const { return realm_ == nullptr; }
    /// The realm of the connection; null before AUTH.
    [[nodiscard]] const Realm* realm() const { return realm_; }
    [[nodiscard]] Resp version() const { return version_; }
    /// What CLIENT LIST says of the session.
    [[nodiscard]] const ClientFacts& facts() const { return facts_; }
    [[nodiscard]] bool is_subscriber() const { return subscriptions() > 0; }
    /// About the bytes of memory that the subscriptions of the client take.
    [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
    /// The session waits for room in the hub, or for its next turn: on_room goes on.
    [[nodiscard]] bool waits_for_room() const {
        return !running_.empty() && !question_ && !is_settling_ && !is_asking_owner_;
    }
    /// The number of replies since the last call that were errors.
    [[nodiscard]] std::uint64_t take_errors() { return std::exchange(errors_, 0); }

private:
    // More methods than 40: the family of a command is a method here, and the table of commands says which.

    using Arguments = std::span<const std::string_view>;
    using Queued = std::vector<std::string>;
    enum class Silence : std::uint8_t { kNone, kThisAndNext, kThis, kAll };

    /// Checks the command as Redis does before a command runs; queues it between MULTI and EXEC; does it otherwise.
    /// `command`: null for an unknown one.
    [[nodiscard]] Next take(const Command* command, Arguments arguments, std::string& out);
    /// Why the command is not done, in Redis' words; empty when it may be done. `command`: null for an unknown one.
    [[nodiscard]] std::string refusal_of(const Command* command, Arguments arguments) const;
    void refuse(const Command* command, std::string_view error, RespWriter& out);
    /// Has the next command wait until the client's messages to itself have been delivered.
    [[nodiscard]] Next settle();
    /// Does a command that has been checked.
    [[nodiscard]] Next run(const Command& command, Arguments arguments, std::string& out);
    /// Does a command of the store.
    [[nodiscard]] Next run_store(const Command& command, Arguments arguments, RespWriter& out);
    /// The command that waits is done: appends its reply and goes on.
    [[nodiscard]] Next end_waiting(std::string_view reply, std::string& out);
    /// Does a command of subscribing. Nothing: the command is another one.
    [[nodiscard]] std::optional<Next> run_subscription(const Command& command, Arguments arguments, RespWriter& out);
    /// Does a command that is answered at once.
    [[nodiscard]] Next run_simple(const Command& command, Arguments arguments, RespWriter& out);
    /// Does the commands of running_ until one has to wait.
    [[nodiscard]] Next run_queued(std::string& out);
    /// Ends the commands of running_: appends the reply of EXEC.
    void finish_exec(std::string& out);
    /// Does the rest of a command that has waited.
    [[nodiscard]] Next go_on(std::string& out);

    [[nodiscard]] Next auth(Arguments arguments, RespWriter& out);
    [[nodiscard]] Next hello(Arguments arguments, RespWriter& out);
    /// Takes user and password. False: the answer has been given. `next`: what follows then.
    [[nodiscard]] bool authenticate(std::string_view user, std::string_view password, RespWriter& out, Next& next);
    [[nodiscard]] Next client(Arguments arguments, RespWriter& out);
    void client_reply(std::string_view mode, RespWriter& out);
    void client_list(Arguments arguments, RespWriter& out);
    [[nodiscard]] Next client_kill(Arguments arguments, RespWriter& out);
    void client_set_info(Arguments arguments, RespWriter& out);
    [[nodiscard]] bool set_name(std::string_view name, RespWriter& out);
    void config(Arguments arguments, RespWriter& out);
    void info(Arguments arguments, RespWriter& out);
    void ping(Arguments arguments, RespWriter& out);
    void time(RespWriter& out);
    void select(Arguments arguments, RespWriter& out);
    void reset(RespWriter& out);
    void multi(RespWriter& out);
    void discard(RespWriter& out);
    [[nodiscard]] Next exec(std::string& out);
    [[nodiscard]] Next publish(const Command& command, Arguments arguments, RespWriter& out);
    /// The script of is_publish_script(): publishes its payload to each of its channels, in order.
    [[nodiscard]] Next publish_to_all(Arguments arguments, RespWriter& out);
    [[nodiscard]] Next pubsub(Arguments arguments, RespWriter& out);
    /// Do the first kNamesPerTurn names, and leave the others for the next turn.
    [[nodiscard]] Next subscribe(Kind kind, Arguments arguments, RespWriter& out);
    [[nodiscard]] Next unsubscribe(Kind kind, Arguments arguments, RespWriter& out);
    /// Has the command done with the arguments `rest` in the next turn. Nothing is left of an empty `rest`.
    [[nodiscard]] Next leave_for_later(std::string_view command, Arguments rest);
    /// Ends every subscription of a kind without a word.
    void drop(Kind kind);
    void push_count(std::string_view word, std::optional<std::string_view> name, Kind kind, RespWriter& out) const;

    [[nodiscard]] std::size_t subscriptions() const { return facts_.subscriptions(); }
    /// The subscriptions of a kind that the connection holds.
    [[nodiscard]] std::size_t& held(Kind kind);
    /// The number that Redis answers with: channels and patterns together, shard channels apart.
    [[nodiscard]] std::size_t shown_count(Kind kind) const;
    void set_version(Resp version);
    void set_realm(const Realm* realm, std::string_view user);
    /// Shows facts_ to CLIENT LIST.
    void tell_facts() { host_.tell(*card_, facts_); }

    SessionHost& host_;
    const Slot slot_;
    const std::shared_ptr<ClientTable::Card> card_;
    const Realm* realm_ = nullptr;
    /// The command before; null when it was unknown.
    const Command* last_command_ = nullptr;
    Resp version_ = Resp::k2;
    Silence silence_ = Silence::kNone;
    /// The client may be a receiver of what its last command has published. Redis 7.2 sends such a message before the
    /// reply to the next command.
    bool must_settle_ = false;
    bool is_settling_ = false;
    /// The reply of the command that waits is thrown away.
    bool is_waiting_muted_ = false;
    ClientFacts facts_;
    /// Between MULTI and EXEC: the commands that wait. A wrong command makes EXEC fail.
    std::optional<std::vector<Queued>> queued_;
    std::size_t queued_bytes_ = 0;
    std::size_t held_bytes_ = 0;
    bool is_spoilt_ = false;
    /// The commands of an EXEC that have still to be done, or the single command that waits for room in the hub.
    std::deque<Queued> running_;
    /// The replies of the EXEC under way; nothing without an EXEC.
    std::optional<std::string> exec_reply_;
    /// The question under way, whose answer is awaited.
    std::optional<Question> question_;
    /// The owner of a key does the first command of running_.
    bool is_asking_owner_ = false;
    /// See take_errors().
    std::uint64_t errors_ = 0;
};

}  // namespace tulle::node::redis
