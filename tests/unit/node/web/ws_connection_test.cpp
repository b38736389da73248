#include "node/web/ws_connection.hpp"

#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node::ws_connection_test {
namespace {

using boost::asio::ip::tcp;

/// Throws at the first `throws` calls of on_gone.
class Handler final : public WsHandler {
public:
    explicit Handler(int throws) : throws_(throws) {}

    void on_open(WsConnection&) override { ++opened; }
    void on_text(WsConnection&, std::string_view) override {}
    void on_activity(WsConnection&, bool) override {}
    void on_session_deadline(WsConnection&) override {}
    void on_drain(WsConnection&) override {}
    void on_gone(WsConnection&) override {
        if (++asked <= throws_) {
            throw std::bad_alloc();
        }
        ++gone;
    }

    [[nodiscard]] WsFarewell farewell(Farewell) const override { return {"bye", 4100, "bye"}; }
    [[nodiscard]] std::string too_large(std::size_t) const override { return {}; }

    int opened = 0;
    int asked = 0;
    int gone = 0;

private:
    const int throws_;
};

/// A connection of a reactor that the test runs, and its peer.
class WsConnectionTest : public ::testing::Test {
protected:
    WsConnectionTest() : peer(reactor.context().get_executor()) {
        const tcp::endpoint any(boost::asio::ip::address_v4::loopback(), 0);
        boost::asio::basic_socket_acceptor<tcp, boost::asio::io_context::executor_type> acceptor(
            reactor.context().get_executor(), any);
        Socket socket(reactor.context().get_executor());
        peer.connect(acceptor.local_endpoint());
        acceptor.accept(socket);
        socket.non_blocking(true);
        accepted = std::make_unique<Socket>(std::move(socket));
    }

    ~WsConnectionTest() override { reactor.release(); }

    std::shared_ptr<WsConnection> open(WsHandler& handler) {
        auto connection = std::make_shared<WsConnection>(reactor, handler, std::move(*accepted), Peer{}, limits);
        UpgradeRequest request(boost::beast::http::verb::get, "/app/key", 11);
        request.set("Host", "x");
        request.set("Connection", "Upgrade");
        request.set("Upgrade", "websocket");
        request.set("Sec-WebSocket-Version", "13");
        request.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        connection->start(request, {1024});
        return connection;
    }

    /// Runs the reactor until `is_reached`, for 10 s at most.
    template <class Condition>
    [[nodiscard]] bool run_until(Condition&& is_reached) {
        const Instant end = monotonic_now() + 10s;
        bool was_reached = false;
        reactor.run([&] {
            was_reached = is_reached();
            if (was_reached || monotonic_now() >= end) {
                reactor.stop();
            } else {
                reactor.wake_at(reactor.now() + 1ms);
            }
        });
        reactor.context().restart();
        return was_reached;
    }

    const WsLimits limits{{1u << 20, 1s}, false};
    Reactor reactor{FlushMode::kSend};
    Socket peer;
    std::unique_ptr<Socket> accepted;
};

TEST_F(WsConnectionTest, AnExceptionInOnGoneHasItCalledAgainBeforeTheConnectionIsFreed) {
    Handler handler(1);
    std::weak_ptr<WsConnection> connection = open(handler);
    ASSERT_TRUE(run_until([&] { return handler.opened == 1; }));
    peer.close();
    ASSERT_TRUE(run_until([&] { return reactor.connections() == 0; }));
    EXPECT_EQ(handler.asked, 2);
    EXPECT_EQ(handler.gone, 1);
    EXPECT_EQ(reactor.counters().clients.get(), 0u);
    EXPECT_EQ(reactor.counters().clients_closed_total.get(), 1u);
    EXPECT_EQ(reactor.counters().failures_total.get(), 1u);
}

TEST_F(WsConnectionTest, AClientThatIsClosingAlreadyIsShedAsSoonAsAnother) {
    Handler handler(0);
    const std::shared_ptr<WsConnection> connection = open(handler);
    ASSERT_TRUE(run_until([&] { return handler.opened == 1; }));
    connection->close(4200, "bye");  // which the peer never answers
    const Instant begin = monotonic_now();
    connection->shed();
    connection->shed();
    ASSERT_TRUE(run_until([&] { return reactor.connections() == 0; }));
    EXPECT_GE(monotonic_now() - begin, kShedTimeout);
    EXPECT_LT(monotonic_now() - begin, kCloseTimeout);
    EXPECT_EQ(reactor.counters().shed_clients_total.get(), 1u);
    EXPECT_EQ(handler.gone, 1);
}

}  // namespace
}  // namespace tulle::node::ws_connection_test
