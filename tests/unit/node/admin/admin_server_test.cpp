#include "node/admin/admin_server.hpp"

#include <atomic>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "node/admin/admin_questions.hpp"
#include "node/admin/admin_reloads.hpp"
#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node::admin_server_test {
namespace {

/// A connection to the listener that has sent a request.
class Asked {
public:
    Asked(const std::string& path, const std::string& request, const std::string& kept = "close") {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), std::begin(address.sun_path));
        socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
            const std::string head = request + " HTTP/1.1\r\nHost: localhost\r\nConnection: " + kept + "\r\n";
            const std::string bytes =
                head + (request.starts_with("POST") ? "Content-Type: application/json\r\nContent-Length: 0\r\n" : "") +
                "\r\n";
            EXPECT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
        }
    }
    ~Asked() { ::close(socket_); }
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;

    /// Sends further requests for a path that does not exist.
    void ask_again(std::size_t times) {
        std::string bytes;
        for (std::size_t i = 0; i < times; ++i) {
            bytes += "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n";
        }
        (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    /// Bytes of answers that have come and not been read.
    std::size_t unread() const {
        int count = 0;
        return ::ioctl(socket_, FIONREAD, &count) == 0 ? static_cast<std::size_t>(count) : 0;
    }
    /// The whole answer; empty when the connection was ended without one, or after half a minute.
    const std::string& answer() {
        char buffer[4096];
        pollfd readable{socket_, POLLIN, 0};
        while (::poll(&readable, 1, 30'000) == 1) {
            const ssize_t got = ::recv(socket_, buffer, sizeof(buffer), 0);
            if (got <= 0) {
                break;
            }
            text_.append(buffer, static_cast<std::size_t>(got));
        }
        return text_;
    }
    int status() { return answer().size() > 12 ? std::atoi(text_.c_str() + std::string("HTTP/1.1 ").size()) : 0; }

private:
    int socket_ = -1;
    std::string text_;
};

/// A listener on a Unix socket, whose hub never answers.
class AdminServerTest : public ::testing::Test {
protected:
    AdminServerTest() {
        char name[] = "/tmp/tulle-admin-XXXXXX";
        directory_ = ::mkdtemp(name);
        path_ = directory_ + "/admin.sock";
        server_ = std::make_unique<AdminServer>(mesh::ShardIndex(1), hub_, std::vector<const ShardCounters*>{},
                                                AppTable(std::vector<App>{}), reloads_, limits_,
                                                AdminOptions{{}, {}, [this] { ++asked_; }});
        server_->bind_socket(path_);
        server_->start();
    }
    ~AdminServerTest() override {
        server_.reset();
        std::filesystem::remove_all(directory_);
    }

    Asked& ask(const std::string& request) { return asking_.emplace_back(path_, request); }
    int status(const std::string& request) { return Asked(path_, request).status(); }
    /// The questions that the hub has got so far.
    std::size_t questions() {
        hub_.take_all(taken_);
        for (const auto& [shard, message] : taken_) {
            questions_ += std::holds_alternative<mesh::Query>(message) ? 1u : 0u;
        }
        taken_.clear();
        return questions_;
    }
    static bool wait_for(const std::function<bool()>& condition) {
        const Instant deadline = monotonic_now() + 30s;
        while (!condition() && monotonic_now() < deadline) {
            ::poll(nullptr, 0, 5);
        }
        return condition();
    }

    std::string directory_;
    std::string path_;
    mesh::HubMailbox hub_{1000, [] {}};
    std::vector<mesh::FromShard> taken_;
    std::size_t questions_ = 0;
    ReloadCounters reloads_;
    NodeLimits limits_{{}};
    std::atomic<int> asked_{0};
    std::unique_ptr<AdminServer> server_;
    std::deque<Asked> asking_;
};

TEST_F(AdminServerTest, HealthIsAnsweredWhoeverWaitsForWhatever) {
    for (std::size_t i = 0; i < kMaxAdminQuestions; ++i) {
        ask("GET /v1/doctor?timeout_ms=10000");
    }
    EXPECT_TRUE(wait_for([this] { return questions() == kMaxAdminQuestions; }));
    EXPECT_EQ(status("GET /v1/doctor"), 503);
    for (std::size_t i = 0; i < kMaxAdminReloads; ++i) {
        ask("POST /v1/reload");
    }
    EXPECT_TRUE(wait_for([this] { return server_->reloads_asked() == kMaxAdminReloads; }));
    EXPECT_EQ(status("POST /v1/reload"), 503);
    std::deque<Asked> scrapes;
    for (std::size_t i = 0; i < 2 * kMaxAdminWaiting; ++i) {
        scrapes.emplace_back(path_, i % 2 == 0 ? "GET /metrics" : "GET /v1/status");
    }
    EXPECT_EQ(status("GET /live"), 200);
    EXPECT_EQ(status("GET /ready"), 503) << "the mesh has not said that the node is ready";
    // Some got their answer at once, as too many waited, the others after a second of silence of the hub.
    for (std::size_t i = 0; i < scrapes.size(); ++i) {
        EXPECT_EQ(scrapes[i].status(), i % 2 == 0 ? 200 : 503) << i;
    }
    const std::string metrics = ask("GET /metrics").answer();
    EXPECT_EQ(metrics.find("tulle_admin_questions_refused_total 2\n"), std::string::npos) << "more than the first two";
    EXPECT_EQ(metrics.find("tulle_ready"), std::string::npos) << "the mesh's part is missing";
}

TEST_F(AdminServerTest, PeersThatAskForMuchAndReadNothingKeepNobodyOut) {
    for (std::size_t i = 0; i < kMaxAdminConnections; ++i) {
        asking_.emplace_back(path_, "GET /nowhere", "keep-alive").ask_again(1000);
    }
    // More than an answer each has come, and no more comes: the kernel takes no more for these peers.
    std::size_t last = 0;
    int same = 0;
    EXPECT_TRUE(wait_for([&] {
        std::size_t now = 0;
        for (const Asked& asked : asking_) {
            now += asked.unread();
        }
        same = now == last && now > kMaxAdminConnections * 1000 ? same + 1 : 0;
        last = now;
        return same > 20;
    }));
    EXPECT_LT(last, kMaxAdminConnections * 1000 * 100) << "not everything was answered";
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(status("GET /live"), 200);
    }
    EXPECT_EQ(status("GET /metrics"), 200) << "after a second, as the hub is silent";
}

TEST_F(AdminServerTest, AReloadAnswersWhoAskedBeforeItBegan) {
    Asked& first = ask("POST /v1/reload");
    EXPECT_TRUE(wait_for([this] { return server_->reloads_asked() == 1; }));
    Asked& second = ask("POST /v1/reload");
    EXPECT_TRUE(wait_for([this] { return server_->reloads_asked() == 2; }));
    EXPECT_EQ(asked_.load(), 2);
    server_->reloaded(1, {});
    EXPECT_EQ(first.status(), 200);
    EXPECT_NE(first.answer().find(R"({"apps":0})"), std::string::npos);
    server_->reloaded(2, {"a \"quoted\" reason", "", ""});
    EXPECT_EQ(second.status(), 422);
    EXPECT_NE(second.answer().find(R"({"error":"a \"quoted\" reason","code":422})"), std::string::npos);
    Asked& third = ask("POST /v1/reload");
    EXPECT_TRUE(wait_for([this] { return server_->reloads_asked() == 3; }));
    server_->begin_drain();
    EXPECT_EQ(third.status(), 503);
    EXPECT_EQ(status("POST /v1/reload"), 503) << "nobody reloads a node that stops";
    EXPECT_EQ(asked_.load(), 3);
}

TEST_F(AdminServerTest, AReloadTellsWhatHasNotChanged) {
    Asked& first = ask("POST /v1/reload");
    EXPECT_TRUE(wait_for([this] { return server_->reloads_asked() == 1; }));
    server_->reloaded(1, {"", "", "mesh_keys, shards"});
    EXPECT_EQ(first.status(), 200);
    EXPECT_NE(first.answer().find(R"({"apps":0,"after_restart":"mesh_keys, shards"})"), std::string::npos);
    Asked& second = ask("POST /v1/reload");
    EXPECT_TRUE(wait_for([this] { return server_->reloads_asked() == 2; }));
    server_->reloaded(2, {"", "a torn file", ""});
    EXPECT_EQ(second.status(), 422);
    EXPECT_NE(
        second.answer().find(R"({"error":"the certificates stay as they were: a torn file","code":422,"apps":0})"),
        std::string::npos);
    Asked& third = ask("POST /v1/reload");
    EXPECT_TRUE(wait_for([this] { return server_->reloads_asked() == 3; }));
    server_->reloaded(3, {"a wrong key", "a torn file", ""});
    EXPECT_EQ(third.status(), 422);
    EXPECT_NE(
        third.answer().find(R"({"error":"a wrong key; the certificates stay as they were: a torn file","code":422})"),
        std::string::npos);
}

TEST_F(AdminServerTest, KnowsItsPathsAndTheirMethods) {
    EXPECT_EQ(status("GET /up"), 200);
    EXPECT_EQ(status("GET /nowhere"), 404);
    EXPECT_EQ(status("GET /"), 200);
    EXPECT_EQ(status("OPTIONS /live"), 200);
    EXPECT_EQ(status("OPTIONS /"), 503) << "not ready";
    const std::pair<const char*, const char*> wrong[] = {{"POST /metrics", "Allow: GET, HEAD, OPTIONS\r\n"},
                                                         {"GET /v1/trace", "Allow: POST, OPTIONS\r\n"},
                                                         {"GET /v1/reload", "Allow: POST, OPTIONS\r\n"}};
    for (const auto& [request, allowed] : wrong) {
        Asked& asked = ask(request);
        EXPECT_EQ(asked.status(), 405) << request;
        EXPECT_NE(asked.answer().find(allowed), std::string::npos) << request;
    }
    EXPECT_EQ(status("POST /v1/trace?app=x&channel=a"), 404) << "no such app";
    EXPECT_EQ(status("POST /v1/trace?app=x&channel=a b"), 400);
    EXPECT_EQ(status("GET /v1/doctor?timeout_ms=0"), 400);
}

}  // namespace
}  // namespace tulle::node::admin_server_test
