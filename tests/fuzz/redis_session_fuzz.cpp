#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/assert.hpp"
#include "mesh/core/records/hybrid_clock.hpp"
#include "node/redis/core/client_table.hpp"
#include "node/redis/store/store_commands.hpp"
#include "node/redis/wire/resp_reader.hpp"
#include "node/redis/wire/session.hpp"

/// A client of the Redis protocol against its session, with a shard that refuses now and then. The first byte says how
/// often the hub is full and whether there is a password; the rest are the bytes of the client. No bytes may end the
/// process, a reply of a command that does not wait ends with the end of a line, and a session that waits goes on when
/// what it waits for has come.
namespace {

using namespace tulle;
using namespace tulle::node;
using namespace tulle::node::redis;

class PlayedHost final : public SessionHost {
public:
    explicit PlayedHost(std::uint8_t options) : options_(options), known_(realms_for(options)) {}

    Publishing publish(const Realm&, Kind kind, Slot, std::string_view, std::string_view,
                       std::uint64_t& receivers) override {
        TULLE_ASSERT(kind != Kind::kPattern);
        receivers = 3;
        return has_room() ? Publishing::kDone : (options_ & 2) != 0 ? Publishing::kNotReady : Publishing::kBusy;
    }
    bool subscribe(const Realm&, Kind kind, Slot, std::string_view name) override {
        return held_[kind].insert(std::string(name)).second;
    }
    bool unsubscribe(const Realm&, Kind kind, Slot, std::string_view name) override {
        return held_[kind].erase(std::string(name)) > 0;
    }
    std::vector<std::string> names_of(const Realm&, Kind kind, Slot) override {
        return {held_[kind].begin(), held_[kind].end()};
    }
    bool ask(Slot, const Question&) override { return has_asked = has_room(); }
    std::string store_refusal(const Realm&, const Command& command,
                              std::span<const std::string_view> arguments) override {
        return redis::store_refusal(command, arguments);
    }
    Storing store(const Realm&, Slot, const Command& command, std::span<const std::string_view> arguments,
                  unsigned database, RespWriter& out) override {
        if (!has_room()) {
            return Storing::kBusy;
        }
        if (is_without_script(command, arguments)) {
            out.error("NOSCRIPT");
            return Storing::kDone;
        }
        if (way_of(command, arguments) == StoreWay::kOwner && !has_room()) {
            is_asking_owner = true;
            return Storing::kAsked;
        }
        StoreAccess access{table_, writes_, 1u << 20, database, now(), clock_.read(now()), wall_us()};
        run_store(command, arguments, access, out);
        (void)writes_.take();
        return Storing::kDone;
    }
    bool settle(Slot) override { return is_settling = has_room(); }
    void on_protocol(Slot, Resp) override {}
    bool on_wrong_password(Slot, std::string_view) override { return ++wrong_passwords_ > 10; }
    ServerFacts facts(const Realm&) override { return {.node = "n"}; }
    void tell(ClientTable::Card& card, const ClientFacts& facts) override { clients.set(card, facts); }
    std::string list_clients(const ClientFilter& filter) override { return clients.list(filter, now()); }
    std::size_t kill_clients(const ClientFilter& filter, std::uint64_t self, bool& is_self) override {
        return clients.kill(filter, self, is_self);
    }
    const Realms& realms() override { return known_; }
    Instant now() override { return Instant{}; }
    std::uint64_t wall_us() override { return 0; }

    ClientTable clients;
    bool has_asked = false;
    bool is_settling = false;
    bool is_asking_owner = false;

private:
    static std::vector<Realm> realms_for(std::uint8_t options) {
        std::vector<Realm> realms(2);
        realms[0].name = "shop";
        realms[0].secret = "sesame";
        realms[0].users = {"shop"};
        realms[1].name = "default";
        realms[1].secret = (options & 1) != 0 ? "sesame" : "";
        realms[1].users = {"default"};
        for (Realm& realm : realms) {
            realm.store_bytes = (options & 8) == 0 ? 1u << 20 : 0;
        }
        return realms;
    }
    bool has_room() { return (++calls_ % 4) != 0 || (options_ & 4) == 0; }

    const std::uint8_t options_;
    const Realms known_;
    StoreTable table_;
    mesh::HybridClock clock_{1'000'000};
    StoreWrites writes_{table_, clock_};
    std::map<Kind, std::set<std::string>> held_;
    std::size_t calls_ = 0;
    int wrong_passwords_ = 0;
};

/// Gives the session what it waits for, until it takes the next command.
Session::Next go_on(Session& session, PlayedHost& host, Session::Next next, std::string& out) {
    // An EXEC of the longest input does not take as many steps.
    for (int i = 0; next == Session::Next::kWait; ++i) {
        TULLE_ASSERT(i < 1'000'000);
        if (std::exchange(host.is_settling, false)) {
            next = session.on_settled();
        } else if (std::exchange(host.is_asking_owner, false)) {
            next = session.on_reply("+OWNED\r\n", out);
        } else if (std::exchange(host.has_asked, false)) {
            next = session.on_answer({{{"a", 1}, {"b", 2}}}, out);
        } else {
            TULLE_ASSERT(session.waits_for_room());
            next = session.on_room(out);
        }
    }
    return next;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    PlayedHost host(data[0]);
    Session session(host, Slot(1), host.clients.enter({.address = "a", .local_address = "b"}, [] {}));
    std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    RespReader reader;
    Session::Next next = Session::Next::kGoOn;
    while (next == Session::Next::kGoOn) {
        reader.set_authenticated(!session.needs_password());
        const ReadResult result = reader.read(rest);
        if (result == ReadResult::kIncomplete || result == ReadResult::kBroken) {
            break;
        }
        std::string out;
        if (result == ReadResult::kCommand) {
            next = go_on(session, host, session.on_command(reader.arguments(), out), out);
            TULLE_ASSERT(out.empty() || out.ends_with("\r\n"));
        }
        rest.remove_prefix(reader.consume());
    }
    return 0;
}
