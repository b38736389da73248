# Turns a text file into a C++ source that holds the file: the function NAME of tulle::node, declared in HEADER, returns it.
#   cmake -DINPUT=… -DOUTPUT=… -DHEADER=… -DNAME=… -P embed.cmake
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${hex}")
file(WRITE "${OUTPUT}" "#include \"${HEADER}\"

namespace tulle::node {
namespace {

constexpr char ${NAME}_bytes[] = {${bytes}'\\0'};

}  // namespace

std::string_view ${NAME}() { return {${NAME}_bytes, sizeof(${NAME}_bytes) - 1}; }

}  // namespace tulle::node
")
