#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "tests/sim/scenario.hpp"

/// Runs seeds of the simulated mesh, in several processes, and says which failed. Exit 1 when one did, or when a path that
/// must be reached never was.
namespace {

using tulle::sim::Outcome;

struct Sum {
    std::uint64_t seeds = 0;
    std::uint64_t failed = 0;
    std::uint64_t published = 0;
    std::uint64_t checked = 0;
    std::uint64_t exempted = 0;
    std::uint64_t events = 0;
    std::map<std::string, std::uint64_t> reached;
};

void add(Sum& sum, const Outcome& outcome) {
    ++sum.seeds;
    sum.published += outcome.published;
    sum.checked += outcome.checked;
    sum.exempted += outcome.exempted;
    sum.events += outcome.events;
    for (const auto& [name, count] : outcome.reached) {
        sum.reached[name] += count;
    }
    if (outcome.faults < 5 || outcome.published < 200) {
        ++sum.failed;
        std::printf("FAILED seed %llu proves too little: %llu faults, %llu publishes\n",
                    static_cast<unsigned long long>(outcome.seed), static_cast<unsigned long long>(outcome.faults),
                    static_cast<unsigned long long>(outcome.published));
    } else if (!outcome.violations.empty()) {
        ++sum.failed;
        std::printf("FAILED seed %llu (%zu nodes): %s\n", static_cast<unsigned long long>(outcome.seed), outcome.hosts,
                    outcome.violations.front().c_str());
    }
    std::fflush(stdout);
}

/// One worker: every jobs-th seed; its sums go to `fd` as text.
void work(std::uint64_t first, std::uint64_t last, std::uint64_t jobs, int fd) {
    Sum sum;
    for (std::uint64_t seed = first; seed <= last; seed += jobs) {
        add(sum, tulle::sim::run_seed(seed, false));
    }
    std::ostringstream text;
    text << sum.seeds << ' ' << sum.failed << ' ' << sum.published << ' ' << sum.checked << ' ' << sum.exempted << ' '
         << sum.events;
    for (const auto& [name, count] : sum.reached) {
        text << ' ' << name << ' ' << count;
    }
    const std::string bytes = text.str();
    if (write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
        std::_Exit(2);
    }
}

void merge(Sum& sum, const std::string& text) {
    std::istringstream in(text);
    Sum part;
    in >> part.seeds >> part.failed >> part.published >> part.checked >> part.exempted >> part.events;
    sum.seeds += part.seeds;
    sum.failed += part.failed;
    sum.published += part.published;
    sum.checked += part.checked;
    sum.exempted += part.exempted;
    sum.events += part.events;
    std::string name;
    std::uint64_t count = 0;
    while (in >> name >> count) {
        sum.reached[name] += count;
    }
}

Sum run_all(std::uint64_t first, std::uint64_t last, std::uint64_t jobs) {
    Sum sum;
    std::vector<std::pair<pid_t, int>> workers;
    for (std::uint64_t job = 0; job < jobs; ++job) {
        int ends[2];
        if (pipe(ends) != 0) {
            std::perror("pipe");
            std::exit(2);
        }
        const pid_t pid = fork();
        if (pid == 0) {
            work(first + job, last, jobs, ends[1]);
            std::_Exit(0);
        }
        close(ends[1]);
        workers.emplace_back(pid, ends[0]);
    }
    for (const auto& [pid, fd] : workers) {
        std::string text;
        char buffer[4096];
        for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;) {
            text.append(buffer, static_cast<std::size_t>(n));
        }
        close(fd);
        int status = 0;
        waitpid(pid, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            std::printf("FAILED: a worker ended with status %d; run with --jobs 1 to see the seed\n", status);
            ++sum.failed;
        }
        merge(sum, text);
    }
    return sum;
}

int replay(std::uint64_t seed) {
    const Outcome outcome = tulle::sim::run_seed(seed, true);
    for (const auto& [name, count] : outcome.counters) {
        std::printf("%-28s %llu\n", name.c_str(), static_cast<unsigned long long>(count));
    }
    for (const std::string& violation : outcome.violations) {
        std::printf("VIOLATION %s\n", violation.c_str());
    }
    std::printf("seed %llu: %zu nodes, %llu faults, %llu published, %llu checked, %zu violations\n",
                static_cast<unsigned long long>(seed), outcome.hosts, static_cast<unsigned long long>(outcome.faults),
                static_cast<unsigned long long>(outcome.published), static_cast<unsigned long long>(outcome.checked),
                outcome.violations.size());
    return outcome.violations.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"Runs the mesh in a simulator: virtual clock, virtual network, faults from a seed."};
    std::uint64_t first = 1;
    std::uint64_t count = 1000;
    std::uint64_t jobs = 2;
    std::uint64_t one = 0;
    std::string file;
    app.add_option("--first", first, "first seed");
    app.add_option("--seeds", count, "how many seeds (TULLE_SEEDS)")->envname("TULLE_SEEDS");
    app.add_option("--jobs", jobs, "processes")->check(CLI::Range(1, 64));
    app.add_option("--seed", one, "replay this one, with a trace of what happens");
    app.add_option("--file", file, "run the seeds listed in a file, one a line, # for remarks");
    CLI11_PARSE(app, argc, argv);
    if (one != 0) {
        return replay(one);
    }
    Sum sum;
    if (!file.empty()) {
        std::ifstream in(file);
        for (std::string line; std::getline(in, line);) {
            if (!line.empty() && line.front() != '#') {
                add(sum, tulle::sim::run_seed(std::stoull(line), false));
            }
        }
        std::printf("%llu regression seeds, %llu failed\n", static_cast<unsigned long long>(sum.seeds),
                    static_cast<unsigned long long>(sum.failed));
        return sum.failed == 0 ? 0 : 1;
    }
    const auto begin = std::chrono::steady_clock::now();
    sum = run_all(first, first + count - 1, jobs);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%llu seeds, %llu failed; %llu published, %llu deliveries checked, %llu exempted; %llu events in %.1f s\n",
                static_cast<unsigned long long>(sum.seeds), static_cast<unsigned long long>(sum.failed),
                static_cast<unsigned long long>(sum.published), static_cast<unsigned long long>(sum.checked),
                static_cast<unsigned long long>(sum.exempted), static_cast<unsigned long long>(sum.events), took.count());
    bool unreached = false;
    for (const auto& [name, reached] : sum.reached) {
        std::printf("  reached %-26s %llu\n", name.c_str(), static_cast<unsigned long long>(reached));
        unreached = unreached || reached == 0;
    }
    const bool enough = count >= 200;  // rare paths need that many
    return sum.failed == 0 && !(unreached && enough) ? 0 : 1;
}
