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
#include <functional>
#include <iostream>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <boost/json.hpp>
#include <tulle/auth.hpp>
#include <tulle/client.hpp>

#include "tools/cli/app_urls.hpp"
#include "tools/cli/channel_finder.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/json_fields.hpp"
#include "tools/cli/signals.hpp"
#include "tools/cli/terminal.hpp"

namespace tulle::cli {
namespace {

/// How long until the channels with a prefix are looked for again.
constexpr std::chrono::milliseconds kBetweenLooks{2'000};

/// The users of a presence channel, from the data of its subscription; empty for any other channel.
std::string users_text(const Event& event) {
    boost::json::error_code error;
    const boost::json::value data = boost::json::parse(event.data, error);
    const boost::json::object* presence =
        error || !data.is_object() ? nullptr : object_field(data.get_object(), "presence");
    if (presence == nullptr) {
        return {};
    }
    std::string out;
    const boost::json::value* ids = presence->if_contains("ids");
    for (std::size_t i = 0; ids != nullptr && ids->is_array() && i < ids->get_array().size(); ++i) {
        const boost::json::value& id = ids->get_array()[i];
        const std::string text =
            id.is_string() ? std::string(id.get_string().data(), id.get_string().size()) : boost::json::serialize(id);
        out += (i == 0 ? "" : ", ") + printable(text);
    }
    return ", users: " + out;
}

/// The JSON by which this program joins presence channels.
std::string channel_data_of(const SubOptions& options) {
    const std::string usual = "tulle-sub-" + std::to_string(::getpid());
    boost::json::object data{{"user_id", options.user_id.empty() ? usual : options.user_id}};
    if (!options.user_info.empty()) {
        boost::json::error_code error;
        boost::json::value info = boost::json::parse(options.user_info, error);
        if (error) {
            throw std::invalid_argument("--user-info is no JSON: " + error.message());
        }
        data["user_info"] = std::move(info);
    }
    return boost::json::serialize(data);
}

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
            std::cerr << "subscribed to " << event.channel << users_text(event) << "\n";
        } else if (event.name == "pusher:subscription_error") {
            std::cerr << "tulle: not subscribed to " << event.channel << ": " << printable(event.data) << "\n";
            refused_.insert(event.channel);
            // With a prefix, further channels may come.
            if (options_.prefix.empty() &&
                refused_.size() == std::set(options_.channels.begin(), options_.channels.end()).size()) {
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

    /// Waits for an exit code, for a signal, or until `timeout` has passed without a first connection, and calls `look`
    /// every kBetweenLooks, unless `look` is empty. Returns the exit code.
    int wait(Signals& signals, std::chrono::milliseconds timeout, const std::function<void()>& look) {
        const auto deadline = std::chrono::steady_clock::now() + timeout;
        while (true) {
            if (look) {
                look();
            }
            pollfd fds[] = {{signals.fd(), POLLIN, 0}, {wake_, POLLIN, 0}};
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
            // After the first connection the client goes on with other nodes for ever.
            const bool patient = connected_once_;
            const long longest = look ? kBetweenLooks.count() : patient ? -1 : left.count();
            ::poll(fds, 2, static_cast<int>(patient ? longest : std::clamp<long>(left.count(), 0, longest)));
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
    client_options.authorizer = local_authorizer({.app_key = options.app.key,
                                                  .app_secret = options.app.secret,
                                                  .channel_data = channel_data_of(options),
                                                  .encryption_master_key_base64 = options.app.encryption_key});
    std::optional<ChannelFinder> finder;
    if (!options.prefix.empty()) {
        finder.emplace(options.app, options.prefix, kBetweenLooks);
    }
    Client client(std::move(client_options));
    client.on_state([&printer](const StateChange& change) { printer.on_state(change); });
    client.on_error(Printer::on_error);
    std::vector<Subscription> subscriptions;
    const auto subscribe = [&](const std::string& channel) {
        subscriptions.push_back(client.subscribe(channel, [&printer](const Event& event) { printer.on_event(event); }));
    };
    for (const std::string& channel : options.channels) {
        subscribe(channel);
    }
    std::string complaint;
    const auto look = [&] {
        for (const std::string& channel : finder->find()) {
            subscribe(channel);
        }
        // An error that lasts is told once.
        if (finder->error() != complaint && !finder->error().empty()) {
            std::cerr << "tulle: cannot look for channels: " << printable(finder->error()) << "\n";
        }
        complaint = finder->error();
    };
    const int exit_code = printer.wait(signals, options.timeout, finder ? std::function<void()>(look) : nullptr);
    client.close();
    return exit_code;
}

}  // namespace tulle::cli
