#include <cstdint>
#include <memory>
#include <stdexcept>

#include "tools/cli/app_options.hpp"
#include "tools/cli/bench_command.hpp"
#include "tools/cli/command_groups.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/common_options.hpp"

namespace tulle::cli {
namespace {

void add_sub(CommandList& commands) {
    const auto options = std::make_shared<SubOptions>();
    CLI::App& sub = commands.add(
        kUseApp, "sub", "Print what is published to channels; goes on with another node when one is lost", [options] {
            use_default_url(options->app);
            if (options->channels.empty() && options->prefix.empty()) {
                throw std::invalid_argument("name channels, or give a --prefix");
            }
            return run_sub(*options);
        });
    sub.add_option("CHANNEL", options->channels, "Channels; private ones are signed with the app's secret");
    sub.add_option("--prefix", options->prefix,
                   "All channels with a subscriber whose names begin so, also those that come later (looks each 2 s)");
    sub.add_option("--user-id", options->user_id, "Who to be in presence channels (default: tulle-sub- and a number)");
    sub.add_option("--user-info", options->user_info, "JSON about this user, for presence channels")->type_name("JSON");
    sub.add_option("--count", options->count, "End after so many events");
    add_json(sub, options->json, "One JSON object a line");
    add_seconds(sub, "--timeout", options->timeout, "Seconds until the first connection must stand", 0.01, 86'400);
    add_app_id_option(sub, options->app);
    add_app_options(sub, options->app);
    add_encryption_option(sub, options->app);
}

/// Throws std::invalid_argument for words that do not belong together.
void check_words(const PubOptions& options) {
    const bool is_lines = options.channel == "-";
    if (is_lines ? !options.event.empty() : options.event.empty() || !options.data) {
        throw std::invalid_argument(is_lines ? "with - as the channel, each line names its event and data"
                                             : "name a channel, an event and its data; or - for standard input");
    }
    if ((is_lines || options.data == "-") && options.count > 1) {
        throw std::invalid_argument("--count is for data that stands on the command line");
    }
}

void add_pub(CommandList& commands) {
    const auto options = std::make_shared<PubOptions>();
    CLI::App& pub = commands.add(kUseApp, "pub", "Publish events by the HTTP API", [options] {
        use_default_url(options->app);
        check_words(*options);
        return run_pub(*options);
    });
    pub.add_option("CHANNEL", options->channel,
                   "The channel; - alone: each line of standard input is {\"channel\",\"event\",\"data\"}, as sub "
                   "--json prints")
        ->required();
    pub.add_option("EVENT", options->event, "The name of the event");
    pub.add_option("DATA", options->data,
                   "Text, JSON as a rule; {{n}} becomes the number of the event; -: each line of standard input");
    pub.add_option("--count", options->count, "Publish it so many times, one after the other")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
    pub.add_option("--socket-id", options->socket_id, "The connection that is not to get it");
    add_json(pub, options->json, "The result as JSON");
    add_seconds(pub, "--timeout", options->timeout, "Seconds for one node", 0.01, 3'600);
    add_app_id_option(pub, options->app);
    add_app_options(pub, options->app);
    add_encryption_option(pub, options->app);
}

void add_bench(CommandList& commands) {
    const auto options = std::make_shared<BenchOptions>();
    CLI::App& bench = commands.add(kUseApp, "bench", "Measure nodes that run: deliveries, latency, loss, connections",
                                   [options] { return run_bench(*options); });
    add_bench_kinds(bench, *options);
}

}  // namespace

void add_app_commands(CommandList& commands) {
    add_sub(commands);
    add_pub(commands);
    add_bench(commands);
}

}  // namespace tulle::cli
