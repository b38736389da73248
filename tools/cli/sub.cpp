#include "tools/cli/commands.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include <boost/json.hpp>
#include <tulle/client.hpp>
#include <tulle/sign.hpp>

#include "tools/cli/app_urls.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

/// Prints the events that a client receives.
///
/// Thread: wait() runs on the main thread, all other functions on the client's thread. The first exit code wins and
/// ends the wait.
class Printer {
public:
    explicit Printer(const SubOptions& options) : options_(options), wake_(eventfd(0, EFD_CLOEXEC)) {
        if (wake_ < 0) {
            throw std::system_error(errno, std::generic_category(), "eventfd");
        }
    }
    Printer(const Printer&) = delete;
    Printer& operator=(const Printer&) = delete;
    ~Printer() { ::close(wake_); }

    /// Prints an event. Events of the protocol go to standard error. All channels refused: ends with kUnreachable.
    void on_event(const Event& event) {
        if (event.name == "pusher:subscription_succeeded") {
            std::cerr << "subscribed to " << event.channel << "\n";
        } else if (event.name == "pusher:subscription_error") {
            std::cerr << "tulle: not subscribed to " << event.channel << ": " << printable(event.data) << "\n";
            refused_.insert(event.channel);
            if (refused_.size() == std::set(options_.channels.begin(), options_.channels.end()).size()) {
                finish(kUnreachable);
            }
        } else if (!finished_) {
            print(event);
        }
    }

    /// Reports a change of the connection on standard error.
    void on_state(const StateChange& change) {
        if (change.state == ConnectionState::kConnected) {
            // A new connection subscribes to all channels again.
            refused_.clear();
            connected_once_ = true;
            std::cerr << "connected to " << change.server << "\n";
        } else if (change.state == ConnectionState::kWaiting) {
            std::cerr << "not connected: " << printable(change.reason) << "; trying " << change.server << " in "
                      << change.retry_in.count() << " ms\n";
        } else if (change.state == ConnectionState::kFailed) {
            std::cerr << "tulle: " << change.server << " refuses this client: " << printable(change.reason) << "\n";
            finish(kUnreachable);
        }
    }

    /// Reports an error that does not end the client.
    static void on_error(const ClientError& error) {
        std::cerr << "tulle: " << (error.channel.empty() ? "" : error.channel + ": ") << printable(error.message)
                  << "\n";
    }

    /// Waits for an exit code, for a signal, or until `timeout` has passed without a first connection. Returns the exit
    /// code.
    int wait(Signals& signals, std::chrono::milliseconds timeout) {
        const auto deadline = std::chrono::steady_clock::now() + timeout;
        while (true) {
            pollfd fds[] = {{signals.fd(), POLLIN, 0}, {wake_, POLLIN, 0}};
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
            // After the first connection the client goes on with other nodes for ever.
            const bool patient = connected_once_;
            ::poll(fds, 2, patient ? -1 : static_cast<int>(std::max<long>(left.count(), 0)));
            if (signals.next()) {
                return kOk;
            }
            if ((fds[1].revents & POLLIN) != 0) {
                return exit_code_;
            }
            if (!connected_once_ && std::chrono::steady_clock::now() >= deadline) {
                std::cerr << "tulle: no node could be reached\n";
                return kUnreachable;
            }
        }
    }

private:
    /// Prints an event and counts the event.
    void print(const Event& event) {
        if (options_.json) {
            boost::json::object line{
                {"time", timestamp()}, {"channel", event.channel}, {"event", event.name}, {"data", event.data}};
            if (!event.user_id.empty()) {
                line["user_id"] = event.user_id;
            }
            std::cout << boost::json::serialize(line) << "\n";
        } else {
            std::cout << timestamp() << " " << event.channel << " " << printable(event.name) << " "
                      << printable(event.data) << "\n";
        }
        std::cout.flush();
        // The reader of the output has gone, for example `head`.
        if (!std::cout) {
            finish(kFailed);
        } else if (++seen_ == options_.count) {
            finish(kOk);
        }
    }

    /// Ends wait(), once.
    void finish(int exit_code) {
        if (finished_) {
            return;
        }
        finished_ = true;
        exit_code_ = exit_code;
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
    }

    const SubOptions& options_;
    /// An eventfd that finish() makes readable.
    int wake_;
    /// Channels that the node has refused on the current connection.
    std::set<std::string> refused_;
    std::uint64_t seen_ = 0;
    bool finished_ = false;
    std::atomic<int> exit_code_{kOk};
    std::atomic<bool> connected_once_{false};
};

}  // namespace

int run_sub(const SubOptions& options) {
    // The signals are blocked before the client starts its thread, which inherits the mask.
    Signals signals({SIGINT, SIGTERM, SIGHUP});
    Printer printer(options);
    ClientOptions client_options{.servers = with_scheme(options.app.urls, "ws"), .app_key = options.app.key};
    client_options.ca_file = options.app.ca_file;
    // Private channels are signed here, with the secret of the app.
    client_options.authorizer = [&options](const std::string& socket_id, const std::string& channel) {
        return ChannelAuth(sign_channel(options.app.key, options.app.secret, socket_id, channel));
    };
    Client client(std::move(client_options));
    client.on_state([&printer](const StateChange& change) { printer.on_state(change); });
    client.on_error(Printer::on_error);
    std::vector<Subscription> subscriptions;
    for (const std::string& channel : options.channels) {
        subscriptions.push_back(client.subscribe(channel, [&printer](const Event& event) { printer.on_event(event); }));
    }
    const int exit_code = printer.wait(signals, options.timeout);
    client.close();
    return exit_code;
}

}  // namespace tulle::cli
