#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mesh/io/address.hpp"

namespace tulle::mesh {

/// Resolves names on threads of its own. libzmq would resolve names on an I/O thread, and a single slow name server
/// would freeze every connection.
///
/// Thread: construct, destroy, ask and take_answers on the owner's thread. The resolver's threads call `wake` and
///         `look_up`.
/// Order:  every question is answered, in any order. A name asked for again before the answer has only the one answer,
///         so a hanging name cannot fill the queue however often the name is dialled.
/// Limits: kMaxWaiting questions; a further question is answered with an error at once. kThreads look-ups at a time,
///         each as long as the system's resolver takes. Unanswered names delay other names only when at least kThreads
///         names hang at the same time.
/// Ending: a thread inside a look-up is left alone, because the look-up may take many seconds. `wake` is not called any
///         more.
class Resolver {
public:
    /// Questions waiting for a thread, for names told by peers and by the configuration.
    static constexpr std::size_t kMaxWaiting = 4096;
    /// Three hanging names still leave a thread for the others.
    static constexpr std::size_t kThreads = 4;
    /// The answer to one question.
    struct Answer {
        /// As asked.
        std::string endpoint;
        LookUp found;
    };

    /// `wake` is called after each answer, with the lock held; `wake` must be cheap and must not call the resolver.
    explicit Resolver(std::function<void()> wake, std::function<LookUp(const HostPort&)> look_up = resolve_all);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// Asks for the addresses of an endpoint "host:port". An endpoint without a port is answered with an error.
    void ask(std::string endpoint);
    /// All answers since the last call. Never blocks for longer than the lock.
    [[nodiscard]] std::vector<Answer> take_answers();

private:
    struct State;
    /// The function of the resolver's threads.
    static void run(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;
};

}  // namespace tulle::mesh
