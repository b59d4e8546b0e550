# Third-party libraries (docs/dependencies.md says why each one is here).
# Static where Debian ships an archive, so that one binary runs without installing anything beside it.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_path(WERKBANK_FMT fmt/format-inl.h REQUIRED)
find_path(WERKBANK_SPDLOG spdlog/spdlog.h REQUIRED)
find_package(CLI11 REQUIRED)

function(werkbank_package target archive)
  find_library(WERKBANK_${archive} NAMES lib${archive}.a ${archive} REQUIRED)
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE ${WERKBANK_${archive}})
endfunction()

werkbank_package(pkg_boost_json boost_json)
target_link_libraries(pkg_boost_json INTERFACE Boost::headers)
werkbank_package(pkg_sqlite sqlite3)
werkbank_package(pkg_sodium sodium)
werkbank_package(pkg_zstd zstd)
werkbank_package(pkg_fuse fuse3)
find_path(WERKBANK_FUSE fuse3/fuse_lowlevel.h REQUIRED)
werkbank_package(pkg_zlib z)
werkbank_package(pkg_yaml yaml-cpp)
werkbank_package(pkg_crypto crypto)
werkbank_package(pkg_ssl ssl)
target_link_libraries(pkg_ssl INTERFACE pkg_crypto)

# Debian ships fmt as a shared object only; the runner must be static. Its one source file is compiled here instead.
add_library(pkg_fmt STATIC ${CMAKE_SOURCE_DIR}/cmake/fmt.cc)
target_compile_options(pkg_fmt PRIVATE -w)
