#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mesh/io/address.hpp"

namespace tulle::mesh {

/// Turns names into addresses on threads of its own: libzmq would do it on an I/O thread, where one slow name server
/// freezes every connection.
///
/// Thread: construct, destroy, ask and take_answers from the owner; `wake` and `look_up` are called by the resolver's
/// threads.
/// Order:  every question is answered, in any order; a name that is asked for again before its answer is there has that
///         one answer, so that names that hang don't fill the queue however often they are dialled.
/// Limits: kMaxWaiting questions; a further one is answered with an error at once. kThreads look-ups at a time, each as
///         long as the system's resolver takes: names that nobody answers for hold up others only when there are as
///         many of them.
/// Ending: a thread that is in a look-up is left to itself, as the look-up may take many seconds; `wake` is not called
/// any more.
class Resolver {
public:
    static constexpr std::size_t kMaxWaiting = 4096;
    static constexpr std::size_t kThreads = 4;
    struct Answer {
        std::string endpoint;  ///< as asked
        LookUp found;
    };

    explicit Resolver(std::function<void()> wake, std::function<LookUp(const HostPort&)> look_up = resolve_all);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    void ask(std::string endpoint);
    [[nodiscard]] std::vector<Answer> take_answers();

private:
    struct State;
    static void run(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;
};

}  // namespace tulle::mesh
