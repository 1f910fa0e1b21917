# `cpack` in a build directory writes two Debian packages: tsdb, the program, and libtsdb-dev, what
# programs are built with. They are apart because the second needs other libraries' development
# packages, and who only looks into a database does not. Included once the rules for installing are
# all there.
set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGE_CONTACT "tsdb developers <tsdb-developers@lists.tsdb.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each package has its own in its first line
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL program library)
set(CPACK_DEB_COMPONENT_INSTALL ON)
# Files that only Debian has, and files as only Debian has them.
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian/finish.cmake)
set(CPACK_TSDB_DEBIAN_FILES ${CMAKE_CURRENT_LIST_DIR}/debian)
set(CPACK_TSDB_LIBDIR ${CMAKE_INSTALL_LIBDIR})
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME tsdb)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "time-series database without a server
Imports metrics into a database directory, says what keeping them takes,
answers questions in PromQL with tables, charts and pages, exports, backs up,
verifies and repairs, and watches a database that another program writes.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libtsdb-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "embeddable time-series database engine (development files)
A C++20 library that many threads write and read at once. Samples are kept in
compressed, sorted leaves, in memory or in a directory that survives crashes,
and are found by labels or asked about in PromQL.

This package has the archive to link, the public headers, and what CMake and
pkg-config need to find both.")
# The archive calls functions whose names carry Abseil's version.
math(EXPR absl_next "${absl_VERSION} + 1")
set(depends "libabsl-dev (>= ${absl_VERSION}), libabsl-dev (<< ${absl_next}~)")
foreach(pair TBB::tbb=libtbb-dev PkgConfig::LZ4=liblz4-dev PkgConfig::RE2=libre2-dev
             roaring::roaring=libroaring-dev)
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 target)
  if(target IN_LIST outside)
    list(GET pair 1 package)
    string(APPEND depends ", ${package}")
  endif()
endforeach()
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "${depends}, pkg-config")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SUGGESTS tsdb)
include(CPack)
