#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/mesh/io/transport_fixture.hpp"

namespace tulle::mesh::names_test {
namespace {

NumericAddress address(const std::string& host, std::uint16_t port) {
    return numeric(HostPort{host, port}).value();
}

std::uint16_t port_of(const std::string& endpoint) {
    return parse_host_port(endpoint).value().port;
}

/// A name server of the test: what it answers for each host; unknown names have no address.
struct Names {
    std::mutex mutex;
    std::map<std::string, std::vector<std::string>> hosts;
    std::atomic<int> asked = 0;

    LookUp operator()(const HostPort& wanted) {
        ++asked;
        const std::lock_guard lock(mutex);
        LookUp found;
        for (const std::string& host : hosts[wanted.host]) {
            found.addresses.push_back(address(host, wanted.port));
        }
        found.error = found.addresses.empty() ? "nobody knows it" : "";
        return found;
    }
};

class NamesTest : public testing::Test {
protected:
    struct Node {
        Node(const std::string& host, Names& names)
            : transport(host + ":0", host + ":0", wake, KeyRing(), {},
                        [&names](const HostPort& wanted) { return names(wanted); }) {}
        void turn() {
            transport.wait(transport.has_more() ? 0ms : 20ms);
            transport.collect(steady_now(), inputs);
        }
        WakeFd wake;
        ZmqTransport transport;
        std::vector<Input> inputs;
    };

    template <class T>
    static std::vector<T> all_of(const Node& node) {
        std::vector<T> found;
        for (const Input& input : node.inputs) {
            if (const T* what = std::get_if<T>(&input)) {
                found.push_back(*what);
            }
        }
        return found;
    }
    bool eventually(const std::function<bool()>& holds) {
        for (const Instant until = steady_now() + 10s; !holds();) {
            if (steady_now() > until) {
                return false;
            }
            one_.turn();
            two_.turn();
        }
        return true;
    }
    [[nodiscard]] std::string control_at(const std::string& name) const {
        return name + ":" + std::to_string(port_of(two_.transport.bound_control()));
    }

    Names names_;
    Node one_{"127.0.0.1", names_};
    Node two_{"127.0.0.7", names_};
};

TEST_F(NamesTest, AllAddressesOfANameAreTold) {
    names_.hosts["mesh"] = {"127.0.0.7", "::1", "127.0.0.1"};
    one_.transport.resolve_name("mesh:7001");
    ASSERT_TRUE(eventually([this] { return !all_of<NameResolved>(one_).empty(); }));
    const NameResolved answer = all_of<NameResolved>(one_)[0];
    EXPECT_EQ(answer.name, "mesh:7001");
    EXPECT_EQ(answer.endpoints, (std::vector<std::string>{"127.0.0.7:7001", "[::1]:7001", "127.0.0.1:7001"}));
    EXPECT_EQ(answer.error, "");
    one_.transport.resolve_name("other:7001");
    ASSERT_TRUE(eventually([this] { return all_of<NameResolved>(one_).size() == 2; }));
    EXPECT_TRUE(all_of<NameResolved>(one_)[1].endpoints.empty());
    EXPECT_EQ(all_of<NameResolved>(one_)[1].error, "nobody knows it");
}

TEST_F(NamesTest, ALinkGoesOnToTheAddressWhereTheNodeListens) {
    names_.hosts["two"] = {"::1", "127.0.0.3", "127.0.0.7"};  // at the others nobody listens
    one_.transport.open_connection(ConnectionId{1}, control_at("two"));
    one_.transport.check_endpoint(steady_now(), ConnectionId{1});
    ASSERT_TRUE(eventually([this] { return !all_of<ConnectionUp>(one_).empty(); }));
    for (const EndpointChecked& checked : all_of<EndpointChecked>(one_)) {
        EXPECT_NE(checked.state, EndpointState::kRefused) << "one address of several says nothing of the node";
    }
    one_.transport.send(ConnectionId{1}, some_knock());
    EXPECT_TRUE(eventually([this] { return !all_of<Control>(two_).empty(); }));
}

TEST_F(NamesTest, AnEndpointOfWhichEveryAddressRefusesIsRefused) {
    names_.hosts["gone"] = {"127.0.0.3", "127.0.0.4", "::1"};
    one_.transport.open_connection(ConnectionId{1}, control_at("gone"));
    one_.transport.check_endpoint(steady_now(), ConnectionId{1});
    ASSERT_TRUE(eventually([this] { return !all_of<EndpointChecked>(one_).empty(); }));
    EXPECT_EQ(all_of<EndpointChecked>(one_)[0].state, EndpointState::kRefused);
    EXPECT_EQ(all_of<EndpointChecked>(one_).size(), 1u);
}

TEST_F(NamesTest, DataGoesToTheAddressThatControlHasFound) {
    names_.hosts["two"] = {"127.0.0.3", "127.0.0.7"};
    one_.transport.listen_for(OriginId{5});
    one_.transport.open_connection(ConnectionId{1}, control_at("two"));
    one_.transport.check_endpoint(steady_now(), ConnectionId{1});
    ASSERT_TRUE(eventually([this] { return !all_of<ConnectionUp>(one_).empty(); }));
    one_.transport.connect_data("two:" + std::to_string(port_of(two_.transport.bound_data())));
    EXPECT_TRUE(eventually([this] { return !all_of<SubscriberSeen>(two_).empty(); }));
}

TEST_F(NamesTest, TheNextLinkBeginsWithAnotherAddressWhenOneLeadsNowhere) {
    names_.hosts["two"] = {"127.0.0.3", "127.0.0.7"};
    one_.transport.open_connection(ConnectionId{1}, control_at("two"));
    ASSERT_TRUE(eventually([this] { return names_.asked == 1; }));
    one_.turn();  // it is dialled at the first address, and as nothing is checked, it waits there
    one_.transport.close_connection(ConnectionId{1});
    one_.transport.open_connection(ConnectionId{2}, control_at("two"));
    EXPECT_TRUE(eventually([this] { return !all_of<ConnectionUp>(one_).empty(); }));
}

TEST_F(NamesTest, AnAddressThatHasChangedIsFoundByTheNextLink) {
    names_.hosts["two"] = {"127.0.0.3"};
    one_.transport.open_connection(ConnectionId{1}, control_at("two"));
    one_.transport.check_endpoint(steady_now(), ConnectionId{1});
    ASSERT_TRUE(eventually([this] { return !all_of<EndpointChecked>(one_).empty(); }));
    one_.transport.close_connection(ConnectionId{1});
    {
        const std::lock_guard lock(names_.mutex);
        names_.hosts["two"] = {"127.0.0.7"};
    }
    one_.transport.open_connection(ConnectionId{2}, control_at("two"));
    EXPECT_TRUE(eventually([this] { return !all_of<ConnectionUp>(one_).empty(); }));
}

/// A look-up that does not end until the test says so.
struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    std::size_t inside = 0;

    void wait() {
        std::unique_lock lock(mutex);
        ++inside;
        changed.notify_all();
        changed.wait(lock, [this] { return open; });
    }
    void await(std::size_t count) {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, 10s, [this, count] { return inside >= count; }));
    }
    void let_go() {
        const std::lock_guard lock(mutex);
        open = true;
        changed.notify_all();
    }
};

TEST(Resolver, ASlowNameHoldsUpNoOtherAndNotItsEnd) {
    const auto gate = std::make_shared<Gate>();
    std::vector<Resolver::Answer> answers;
    {
        WakeFd wake;
        Resolver resolver([&wake] { wake.wake(); },
                          [gate](const HostPort& wanted) -> LookUp {
                              if (wanted.host == "slow") {
                                  gate->wait();
                              }
                              return {{address("127.0.0.1", wanted.port)}, {}};
                          });
        resolver.ask("slow:1");
        gate->await(1);
        resolver.ask("quick:2");
        for (const Instant until = steady_now() + 10s; answers.empty() && steady_now() < until;) {
            answers = resolver.take_answers();
        }
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_EQ(answers[0].endpoint, "quick:2");
        for (std::size_t i = 1; i < Resolver::kThreads; ++i) {
            resolver.ask("slow:" + std::to_string(1 + i));
        }
        gate->await(Resolver::kThreads);
        for (std::size_t i = 0; i <= Resolver::kMaxWaiting; ++i) {
            resolver.ask("slow:1");  // is being looked up
        }
        EXPECT_TRUE(resolver.take_answers().empty()) << "a name that is asked for often is one question";
        for (std::size_t i = 0; i <= Resolver::kMaxWaiting; ++i) {
            resolver.ask("quick:" + std::to_string(3 + i));
        }
        answers = resolver.take_answers();
        ASSERT_EQ(answers.size(), 1u) << "the question beyond the bound is answered at once";
        EXPECT_EQ(answers[0].found.error, "too many names are being looked up");
    }  // although its threads are in look-ups
    gate->let_go();
}

TEST(Resolver, TheSystemsNamesHaveAllTheirAddresses) {
    const LookUp found = resolve_all({"localhost", 7001});
    ASSERT_FALSE(found.addresses.empty()) << found.error;
    std::set<std::string> texts;
    for (const NumericAddress& each : found.addresses) {
        EXPECT_TRUE(texts.insert(each.text()).second) << each.text() << " is given twice";
    }
    EXPECT_TRUE(texts.contains("127.0.0.1:7001") || texts.contains("[::1]:7001"));
    const LookUp none = resolve_all({"no.such.name.invalid", 7001});
    EXPECT_TRUE(none.addresses.empty());
    EXPECT_NE(none.error, "");
}

}  // namespace
}  // namespace tulle::mesh::names_test
