#include <cstdint>
#include <memory>

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
            return run_sub(*options);
        });
    sub.add_option("CHANNEL", options->channels, "Channels; private ones are signed with the app's secret")->required();
    sub.add_option("--count", options->count, "End after so many events");
    add_json(sub, options->json, "One JSON object a line");
    add_seconds(sub, "--timeout", options->timeout, "Seconds until the first connection must stand", 0.01, 86'400);
    add_app_options(sub, options->app);
}

void add_pub(CommandList& commands) {
    const auto options = std::make_shared<PubOptions>();
    CLI::App& pub = commands.add(kUseApp, "pub", "Publish an event by the HTTP API", [options] {
        use_default_url(options->app);
        return run_pub(*options);
    });
    pub.add_option("CHANNEL", options->channel)->required();
    pub.add_option("EVENT", options->event)->required();
    pub.add_option("DATA", options->data, "Text, JSON as a rule; {{n}} becomes the number of the event")->required();
    pub.add_option("--count", options->count, "Publish it so many times, one after the other")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
    pub.add_option("--socket-id", options->socket_id, "The connection that is not to get it");
    add_json(pub, options->json, "The result as JSON");
    add_seconds(pub, "--timeout", options->timeout, "Seconds for one node", 0.01, 3'600);
    add_app_id_option(pub, options->app);
    add_app_options(pub, options->app);
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
