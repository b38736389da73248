#include "node/app/service_manager.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace tulle::node::service_manager_test {
namespace {

/// The socket on which systemd would hear.
class Manager {
public:
    explicit Manager(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        if (path.front() == '@') {
            address.sun_path[0] = '\0';
        }
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
        EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }
    ~Manager() {
        ::close(socket_);
        ::unsetenv("NOTIFY_SOCKET");
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    /// The next message; empty when there is none.
    [[nodiscard]] std::string next() const {
        char text[256] = {};
        const ssize_t got = ::recv(socket_, text, sizeof(text), MSG_DONTWAIT);
        return got > 0 ? std::string(text, static_cast<std::size_t>(got)) : std::string();
    }

private:
    int socket_;
};

void tell_all(const Manager& manager) {
    const ServiceManager service;
    service.ready();
    EXPECT_EQ(manager.next(), "READY=1");
    service.status("moving, 3 clients");
    EXPECT_EQ(manager.next(), "STATUS=moving, 3 clients");
    service.stopping();
    EXPECT_EQ(manager.next(), "STOPPING=1");
    service.extend(15s);
    EXPECT_EQ(manager.next(), "EXTEND_TIMEOUT_USEC=15000000");
}

TEST(ServiceManager, TellsSystemdByAPath) {
    char directory[] = "/tmp/tulle-notify-XXXXXX";
    ASSERT_NE(::mkdtemp(directory), nullptr);
    {
        const Manager manager(std::string(directory) + "/notify");
        tell_all(manager);
    }
    std::filesystem::remove_all(directory);
}

TEST(ServiceManager, TellsSystemdByAnAbstractName) {
    const Manager manager("@tulle-notify-test-" + std::to_string(::getpid()));
    tell_all(manager);
}

TEST(ServiceManager, TellsNobodyWithoutAManager) {
    for (const char* path : {"", "relative", "/no/such/socket"}) {
        ::setenv("NOTIFY_SOCKET", path, 1);
        const ServiceManager service;
        service.ready();
    }
    ::setenv("NOTIFY_SOCKET", std::string(200, '/').c_str(), 1);
    const ServiceManager too_long;
    too_long.ready();
    ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace tulle::node::service_manager_test
