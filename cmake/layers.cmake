# One library per folder of src/. The list of a folder's neighbours below is the whole law of who may include whom;
# tools/tidy reads this file and fails on any include that it does not allow.
#
#   base <- domain <- net <- {store content environment access compute data} <- lifecycle <- {registry} <- api <- main
#   base <- domain <- net <- data <- {client mount} <- {runner client/project} <- cli <- main
#   (runner and client/project are strangers)
#
# Folders in one brace are strangers: they meet in the layer above, which hands each plain values.
function(werkbank_library folder)
  cmake_parse_arguments(arg "" "" "SEES;PACKAGES" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|main)\\.cc$")
  if(NOT sources)
    set(sources ${CMAKE_SOURCE_DIR}/cmake/empty.cc)
  endif()
  add_library(wb_${name} STATIC ${sources})
  target_include_directories(wb_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  foreach(seen ${arg_SEES})
    string(REPLACE "/" "_" seen_name ${seen})
    target_link_libraries(wb_${name} PUBLIC wb_${seen_name})
  endforeach()
  target_link_libraries(wb_${name} PUBLIC ${arg_PACKAGES})
  set_property(GLOBAL APPEND PROPERTY WERKBANK_FOLDERS ${folder})
endfunction()

werkbank_library(base PACKAGES pkg_fmt pkg_boost_json pkg_sodium Threads::Threads)
werkbank_library(domain SEES base)
werkbank_library(net SEES base domain PACKAGES pkg_ssl)

werkbank_library(store SEES base domain PACKAGES pkg_zstd)
werkbank_library(store/memory SEES base domain store)
werkbank_library(store/sqlite SEES base domain store PACKAGES pkg_sqlite)
werkbank_library(content SEES base domain PACKAGES pkg_zstd)
werkbank_library(content/memory SEES base domain content)
werkbank_library(content/directory SEES base domain content)
werkbank_library(environment SEES base domain)
werkbank_library(access SEES base domain PACKAGES pkg_crypto)
werkbank_library(compute SEES base domain)
werkbank_library(compute/local SEES base domain net compute mount)  # what a dead runner has left mounted
werkbank_library(compute/pool SEES base domain compute)

werkbank_library(data SEES base domain PACKAGES pkg_crypto)
werkbank_library(data/folder SEES base domain data)
werkbank_library(data/rest SEES base domain net data PACKAGES pkg_crypto)
werkbank_library(data/azure_blob SEES base domain net data data/rest)
werkbank_library(data/s3 SEES base domain net data data/rest)
werkbank_library(data/http SEES base domain net data data/rest)
werkbank_library(data/kinds SEES base domain data data/folder data/azure_blob data/s3 data/http)
werkbank_library(data/cache SEES base domain data)
werkbank_library(mount SEES base domain data data/folder data/cache PACKAGES pkg_fuse)

werkbank_library(lifecycle SEES base domain net store content environment access compute)
werkbank_library(registry SEES base domain store content lifecycle)
werkbank_library(api SEES base domain net store content environment access compute data lifecycle registry)

werkbank_library(client SEES base domain net data PACKAGES pkg_yaml pkg_zstd)
werkbank_library(client/project SEES base domain client PACKAGES pkg_yaml)
werkbank_library(runner SEES base domain net data data/kinds client mount)
werkbank_library(cli SEES base domain net data data/cache client client/project mount PACKAGES CLI11::CLI11 pkg_yaml)
