#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace tulle::node::testing {

/// An HTTP server on loopback that answers POSTs as the test says, on a thread for each connection.
class HttpTarget {
public:
    /// What is written as the answer to a request (head and body as they came); empty: nothing, and the connection
    /// stays.
    using Answer = std::function<std::string(const std::string& request)>;
    /// `at_start` is called first by the thread of each connection.
    explicit HttpTarget(
        Answer answer, std::function<void()> at_start = [] {});
    ~HttpTarget();
    HttpTarget(const HttpTarget&) = delete;
    HttpTarget& operator=(const HttpTarget&) = delete;

    [[nodiscard]] std::string port() const { return std::to_string(port_); }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + port() + "/hook"; }
    /// The next request, waited for five seconds.
    std::optional<std::string> next();
    [[nodiscard]] std::size_t connections();

private:
    void accept_all();
    void serve(int socket);

    const Answer answer_;
    const std::function<void()> at_start_;
    int listener_ = -1;
    int stop_ = -1;  ///< an eventfd: all threads end
    std::uint16_t port_ = 0;
    std::mutex mutex_;
    std::condition_variable came_;
    std::deque<std::string> requests_;
    std::size_t connections_ = 0;
    std::list<std::thread> threads_;
    std::thread acceptor_;
};

inline std::string status_line(const std::string& status) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n";
}

}  // namespace tulle::node::testing
