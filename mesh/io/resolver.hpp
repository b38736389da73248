#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mesh/io/address.hpp"

namespace tulle::mesh {

/// Turns names into addresses on a thread of its own: libzmq would do it on an I/O thread, where one slow name server
/// freezes every link.
///
/// Thread: ask and take_answers from the owner; `wake` is called by the resolver's thread.
/// Limits: kMaxWaiting questions; a further one is answered "not found" at once.
class Resolver {
public:
    static constexpr std::size_t kMaxWaiting = 4096;
    struct Answer {
        std::string endpoint;  ///< as asked
        std::optional<NumericAddress> address;
    };

    explicit Resolver(std::function<void()> wake);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    void ask(std::string endpoint);
    [[nodiscard]] std::vector<Answer> take_answers();

private:
    void run();

    std::function<void()> wake_;
    std::mutex mutex_;
    std::condition_variable asked_;
    std::deque<std::string> questions_;
    std::vector<Answer> answers_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace tulle::mesh
